"""Measures scores of rows that the model has not seen, all at once: what is shown of a model before it goes live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.fraud.domain.scoring.drift import CERTAIN
from services.fraud.models.dataset import Floats, TrainingTable
from services.fraud.models.metrics import (
    AtThreshold,
    ReliabilityBin,
    area_under_roc,
    at_threshold,
    average_precision,
    card_precision,
    expected_calibration_error,
    recall_at_false_positive_rate,
    reliability,
)

__all__ = ["ModelEvaluation", "evaluate"]

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9, CERTAIN, 0.99)


@dataclass(frozen=True, slots=True)
class ModelEvaluation:
    """What scores were worth."""

    rows: int
    frauds: int
    auc_roc: float
    average_precision: float
    card_precision: float
    """Of 100 entities reviewed a day."""
    recall_at_1_percent: float
    """Share of frauds caught where one in a hundred good events is stopped."""
    calibration_error: float
    thresholds: Sequence[AtThreshold]
    reliability: Sequence[ReliabilityBin]

    @property
    def certain(self) -> AtThreshold:
        """What scores of `CERTAIN` and more turned out to be."""
        return next(each for each in self.thresholds if each.threshold == CERTAIN)

    def to_dict(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "thresholds": [each._asdict() for each in self.thresholds],
            "reliability": [asdict(each) for each in self.reliability],
        }

    @classmethod
    def from_dict(cls, read: dict[str, Any]) -> ModelEvaluation:
        thresholds = [AtThreshold(**each) for each in read["thresholds"]]
        bins = [ReliabilityBin(**each) for each in read["reliability"]]
        return cls(**{**read, "thresholds": thresholds, "reliability": bins})


def evaluate(table: TrainingTable, scores: Floats) -> ModelEvaluation:
    """Measures the scores of the table's rows by everything known of them now.

    Raises TrainingTableError if the rows are of one kind, or a score is not finite.
    """
    labels = table.labels()
    bins = reliability(scores, labels)
    return ModelEvaluation(
        rows=len(table),
        frauds=int(labels.sum()),
        auc_roc=area_under_roc(scores, labels),
        average_precision=average_precision(scores, labels),
        card_precision=card_precision(scores, labels, table.times_ms, table.entities),
        recall_at_1_percent=recall_at_false_positive_rate(scores, labels),
        calibration_error=expected_calibration_error(bins),
        thresholds=[at_threshold(scores, labels, each) for each in THRESHOLDS],
        reliability=bins,
    )
