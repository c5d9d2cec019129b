"""Something that is done with many alerts or cases, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

__all__ = ["MOST_ITEMS", "JobAction", "StoredJob"]

MOST_ITEMS = 10_000
"""Alerts or cases of one job."""


class JobAction(Enum):
    """What is done with each."""

    ASSIGN = "assign"
    CLOSE = "close"
    DISMISS = "dismiss"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A job as it is kept."""

    job_id: str
    task_id: str
    action: JobAction
    argument: str
    """Assignee or reason."""
    items: tuple[str, ...]
    """Alerts or cases that matched when it was asked for."""
    done: int = 0
    changed: int = 0
    refused: int = 0
    created_by: str
    created_at: datetime
