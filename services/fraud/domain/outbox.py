"""Entities of the outbox: places and pages of events, in the order of their commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["BEGINNING", "OutboxPage", "Place"]


class Place(NamedTuple):
    """A place in the outbox: the transaction that wrote a row, and the row's number."""

    xid: int
    seq: int


BEGINNING = Place(0, 0)


@dataclass(frozen=True, slots=True)
class OutboxPage:
    """Consecutive events: all that there are after `after`, up to `last`."""

    after: Place
    last: Place
    events: Sequence[bytes]
    """Serialised, as they were written."""
    oldest: float | None = None
    """When the first of them was written (Unix seconds)."""
