"""Leases: what a worker holds of a task, what it tells of it, and how an attempt ends."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.task.domain.tasks import Fault, Progress

__all__ = [
    "AttemptOutcome",
    "Beat",
    "DeclaredKind",
    "Ending",
    "EngineRules",
    "Lease",
    "Pulse",
    "backoff",
    "state_after",
]

MOST_DOUBLINGS = 30


@dataclass(frozen=True, slots=True)
class Lease:
    """One lease of one task. The token is greater with every lease of the task."""

    tenant_id: str
    task_id: str
    token: int


@dataclass(frozen=True, slots=True)
class Beat:
    """What a worker tells of a task that it goes on with."""

    lease: Lease
    seconds: float
    """Length of the lease from now on."""
    progress: Progress | None = None
    checkpoint: bytes | None = None


class Pulse(StrEnum):
    """What becomes of a lease."""

    HELD = "held"
    CANCELLED = "cancelled"
    LOST = "lost"


class AttemptOutcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of an attempt as its worker tells it: succeeded, failed or returned."""

    outcome: AttemptOutcome
    result: bytes | None = None
    result_reference: str = ""
    fault: Fault | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class DeclaredKind:
    """A declared kind. A limit of 0 means any number."""

    kind: str
    max_running: int = 0
    max_running_per_tenant: int = 0
    internal: bool = False
    """True if only the platform itself makes tasks of the kind."""


@dataclass(frozen=True, slots=True)
class EngineRules:
    """How the engine treats tasks, in seconds."""

    ageing: float = 600.0
    """Waiting this long is worth one step of priority."""
    first_backoff: float = 1.0
    """Pause before the second attempt; each further one is twice as long."""
    max_backoff: float = 300.0
    """Longest pause between attempts."""


def backoff(rules: EngineRules, attempts: int, chance: float) -> float:
    """Returns the seconds until the next attempt after so many; `chance`, 0 to 1, spreads them over half the time."""
    full = min(rules.max_backoff, rules.first_backoff * 2.0 ** min(max(attempts - 1, 0), MOST_DOUBLINGS))
    return full * (1 + chance) / 2


def state_after(outcome: AttemptOutcome, *, cancelling: bool, retryable: bool, attempts: int, limit: int) -> str:
    """Returns the state of a task after an attempt; `attempts` counts this one."""
    if outcome is AttemptOutcome.SUCCEEDED:
        # Also if it was to be cancelled: the work is done.
        return "succeeded"
    if cancelling:
        return "cancelled"
    if outcome is AttemptOutcome.RETURNED:
        return "pending"
    if not retryable:
        return "failed"
    return "dead" if attempts >= limit else "pending"
