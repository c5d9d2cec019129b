"""Scorers for tests, which say what they are told to, and rows by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import nan

from services.fraud.domain.scoring.model import Contribution, ModelRef
from services.fraud.models.dataset import Matrix, matrix_from
from services.fraud.ports.scoring import ModelFailedError, Scorer

__all__ = ["FRAUD", "FakeModels", "FakeScorer", "matrix_of"]

FRAUD = ModelRef("fraud", 3)


def matrix_of(rows: Sequence[Mapping[str, float | None]], names: Sequence[str]) -> Matrix:
    """Returns rows of values by name as a matrix; a name that a row lacks, or has None for, is missing."""
    found = [[nan if (value := row.get(name)) is None else value for name in names] for row in rows]
    return matrix_from(found)


@dataclass
class FakeScorer:
    """Implements `Scorer`: the score is the first feature, 0 if it is missing."""

    ref: ModelRef = FRAUD
    features: Sequence[str] = ("amount",)
    valid_until: datetime | None = None
    most_missing: float = 1.0
    failing: bool = False
    batches: list[int] = field(default_factory=list)

    def score(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        if self.failing:
            raise ModelFailedError("it is told to")
        self.batches.append(len(rows))
        return [row[0] if row[0] == row[0] else 0.0 for row in rows]

    def explain(self, rows: Sequence[Sequence[float]], most: int) -> Sequence[Sequence[Contribution]]:
        if self.failing:
            raise ModelFailedError("it is told to")
        return [
            [
                Contribution(name, value, 1.0 + at)
                for at, (name, value) in enumerate(zip(self.features, row, strict=True))
            ]
            for row in rows
        ]


class FakeModels:
    """Implements `ModelLoader` and `ModelInputs`."""

    def __init__(self, *scorers: Scorer) -> None:
        self.scorers = {each.ref: each for each in scorers}
        self.loads: list[tuple[str, ModelRef]] = []

    async def load(self, tenant_id: str, ref: ModelRef, known: Scorer | None = None) -> Scorer | None:
        self.loads.append((tenant_id, ref))
        return self.scorers.get(ref)

    async def inputs(self, tenant_id: str, ref: ModelRef) -> Sequence[str] | None:
        found = self.scorers.get(ref)
        return found.features if found is not None else None
