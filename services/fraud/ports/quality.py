"""Ports of reports of quality: what is kept of them, and who does them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias
from uuid import UUID

from meshkit.named_requests import Claims, Writer
from services.fraud.domain.quality.question import QualityQuestion
from services.fraud.domain.quality.report import QualityReport, QualityResult
from services.fraud.domain.quality.scores import ScoredDecision, ScoreQuality

__all__ = [
    "QualityAttempts",
    "QualityChanges",
    "QualityNews",
    "QualityOrder",
    "QualityReads",
    "QualityRunner",
    "QualityWriter",
    "ScoreSink",
]


class QualityReads(Protocol):
    """The reports of each tenant. Every method raises MeshError UNAVAILABLE during an outage."""

    async def get(self, tenant_id: str, report_id: UUID) -> QualityReport | None: ...

    async def page(self, tenant_id: str, before: UUID | None, limit: int) -> Sequence[QualityReport]:
        """Returns at most `limit` reports, newest first, older than `before`, without their results."""
        ...


class QualityChanges(Claims, Protocol):
    """One transaction on the reports of one tenant. Those of a tenant follow each other."""

    async def add(self, report: QualityReport) -> None: ...

    async def get(self, report_id: UUID) -> QualityReport | None: ...

    async def delete(self, report_id: UUID) -> None: ...

    async def without_result(self, limit: int) -> Sequence[QualityReport]:
        """Returns the newest reports that have no result."""
        ...


QualityWriter: TypeAlias = Writer[QualityChanges]


class QualityAttempts(Protocol):
    """What attempts at reports store. Each names its token, which grows from attempt to attempt.

    Every method raises MeshError UNAVAILABLE during an outage.
    """

    async def begin(self, tenant_id: str, report_id: str, token: int) -> bool:
        """Begins an attempt: from now on no earlier one stores anything. Returns False if there is a result.

        Raises SupersededError, also if there is no such report any more.
        """
        ...

    async def finish(self, tenant_id: str, report_id: str, token: int, result: QualityResult) -> None:
        """Stores the result, once. Raises SupersededError."""
        ...


class ScoreSink(Protocol):
    """Takes the scores of decisions, and measures them at the end."""

    def add(self, rows: Sequence[ScoredDecision]) -> None: ...

    def measure(self) -> Sequence[ScoreQuality]:
        """Returns what all scores were worth, then those of each version of a model."""
        ...

    def measure_group(self, name: int, value: str) -> ScoreQuality:
        """Returns what the scores in a group were worth, without thresholds and bins; `name` is a place among names."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityOrder:
    """What one attempt at a report is to do."""

    tenant_id: str
    report_id: str
    token: int
    """Greater than that of every attempt before."""
    question: QualityQuestion


@dataclass(frozen=True, slots=True)
class QualityNews:
    """How far an attempt is."""

    done: int
    total: int
    message: str


class QualityRunner(Protocol):
    """Does attempts at reports."""

    def run(self, order: QualityOrder) -> AsyncGenerator[QualityNews, None]:
        """Does an attempt; when the iterator ends, the result is stored. What is no longer iterated, stops.

        Raises TaskFailure and MeshError.
        """
        ...
