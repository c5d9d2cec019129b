"""Long work that is done as a task of the task service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

__all__ = ["UNFINISHED", "OrderedWork", "WorkState"]

UNFINISHED = frozenset({"pending", "running", "cancelling"})
"""States of which something may still come out."""


class OrderedWork(NamedTuple):
    """What is to be done."""

    name: str
    """UUID: the same again is the same task."""
    title: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WorkState:
    """How far work is."""

    state: str
    done: int = 0
    total: int = 0
    message: str = ""
    error: str = ""
    finished_at: datetime | None = None
