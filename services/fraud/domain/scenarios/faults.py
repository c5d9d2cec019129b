"""What may be wrong with a scenario."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ContentFault"]


class ContentFault(NamedTuple):
    """What is wrong with a part of a scenario."""

    place: str
    """Path of the field, such as `rules[2].code`."""
    reason: str
    message: str
    line: int = 0
    """In the text of the field, from 1; 0 where it is about the whole."""
    column: int = 0
