"""A report of quality: what was asked, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from services.fraud.domain.quality.question import QualityQuestion
from services.fraud.domain.quality.scores import ScoreQuality
from services.fraud.domain.quality.tally import QualityTally

__all__ = ["MOST_DECISIONS", "MOST_UNFINISHED_REPORTS", "QualityReport", "QualityResult"]

MOST_UNFINISHED_REPORTS = 10
"""Of a tenant."""
MOST_DECISIONS = 2_000_000
"""Of a report: each takes 35 bytes until the end, and 4 for each group that it is in."""


class QualityResult(NamedTuple):
    """What a report says."""

    question: QualityQuestion
    tally: QualityTally
    scores: Sequence[ScoreQuality]
    """Of all decisions first, then of those that each version of a model scored."""
    group_scores: Sequence[Mapping[str, ScoreQuality]]
    """Of each name by which is grouped, in its order: of each group that is told, in short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """A report as it is kept."""

    tenant_id: str
    report_id: str
    question: QualityQuestion
    task_id: str
    """Of the task that does it."""
    created_by: str
    created_at: datetime
    finished_at: datetime | None = None
    """When its result was stored."""
    result: bytes | None = None
    """As it is told, byte for byte; None before it has succeeded, and in lists."""
