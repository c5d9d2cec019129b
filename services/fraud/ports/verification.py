"""Ports of verifications: the decisions with what they stored, what the logs say of them, and who does the work."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias

from services.fraud.domain.verification.recorded import RecordedCheck, RecordedExtent, ValueDifference

__all__ = [
    "LogTestimony",
    "LogWitness",
    "RecordedChecks",
    "VerificationNews",
    "VerificationOrder",
    "VerificationProgress",
    "VerificationRunner",
    "VerificationSummary",
]


class RecordedChecks(Protocol):
    """The stored decisions of a tenant. Every method raises MeshError UNAVAILABLE during an outage."""

    async def extent(self, tenant_id: str, since: datetime, until: datetime) -> RecordedExtent:
        """Returns what there is of decisions that were made from `since` until `until`."""
        ...

    def pages(self, tenant_id: str, since: datetime, until: datetime) -> AsyncGenerator[Sequence[RecordedCheck], None]:
        """Yields the decisions of a period in pages, in the order in which they were made."""
        ...

    async def intact(self, tenant_id: str, decision_id: str) -> bool:
        """Tells whether a decision is what was stored."""
        ...


class LogTestimony(NamedTuple):
    """What the logs say of an event that they have."""

    attempts: Sequence[Mapping[str, object]]
    """What each attempt at it reads there as of when it came, by feature."""
    withdrawn: bool
    """True if any of them saw an attempt at another that was withdrawn after it."""


class LogWitness(Protocol):
    """The logs, as they are now."""

    async def testify(self, check: RecordedCheck) -> LogTestimony | None:
        """Returns what is known of a check. None if the logs are not at hand."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationOrder:
    """What is to be verified."""

    tenant_id: str
    since: datetime
    until: datetime
    features: tuple[str, ...] = ()
    """None means all."""
    kept_days: int = 400
    """How long decisions of tenants are kept that say nothing else."""


class VerificationProgress(NamedTuple):
    """How far a verification is."""

    done: int
    total: int
    """Decisions of the period, as they were counted at first."""
    message: str


@dataclass(slots=True, kw_only=True)
class VerificationSummary:
    """What came of a verification."""

    decisions: int = 0
    """Those whose values were computed anew."""
    skipped: int = 0
    """Those whose values cannot be: of feature sets that are not known, or of before there were logs."""
    values: int = 0
    """Values that were compared."""
    different: int = 0
    """Decisions with any difference."""
    causes: dict[str, int] = field(default_factory=dict)
    """Differences by cause."""
    unlisted: int = 0
    """Differences that are counted and were not told one by one."""


VerificationNews: TypeAlias = VerificationProgress | ValueDifference | VerificationSummary


class VerificationRunner(Protocol):
    """Verifies. What is no longer iterated, stops."""

    def run(self, order: VerificationOrder) -> AsyncGenerator[VerificationNews, None]:
        """Tells how far it is and what it finds, and at the end the summary. Raises MeshError."""
        ...
