"""Rows on which a model and its ONNX form must agree, kept with the model to be asked again wherever it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from services.fraud.models.dataset import Floats, Matrix
from services.fraud.models.failures import ConversionError
from services.fraud.models.serving import ScoringModel

__all__ = ["AGREEMENT", "GoldenRows", "check_golden"]

AGREEMENT = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class GoldenRows:
    """Rows, and the probabilities that the model gives them."""

    values: Matrix
    scores: Floats

    def to_dict(self) -> dict[str, Any]:
        # JSON has no NaN.
        rows = [[None if np.isnan(value) else float(value) for value in row] for row in self.values]
        return {"values": rows, "scores": self.scores.tolist()}

    @classmethod
    def from_dict(cls, read: dict[str, Any]) -> GoldenRows:
        rows = [[np.nan if value is None else value for value in row] for row in read["values"]]
        return cls(np.array(rows, np.float32), np.array(read["scores"], np.float64))


def check_golden(model: ScoringModel, golden: GoldenRows) -> float:
    """Returns the greatest difference. Raises ConversionError if it is above `AGREEMENT`."""
    difference = float(np.abs(np.array(model.score(golden.values)) - golden.scores).max(initial=0.0))
    if difference > AGREEMENT:
        raise ConversionError(f"the model and its ONNX form differ by {difference:.2g}")
    return difference
