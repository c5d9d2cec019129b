"""What a training may be told, and within which ranges."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Final

from services.fraud.models.calibration import CalibrationKind
from services.fraud.models.failures import ModelParameterError

__all__ = ["RANGES", "TrainingParameters"]

RANGES: Final = {
    "trees": (1, 1_000),
    "depth": (1, 8),
    "learning_rate": (0.005, 1.0),
    "row_share": (0.1, 1.0),
    "feature_share": (0.1, 1.0),
    "least_child_weight": (0.0, 1_000.0),
    "least_gain": (0.0, 100.0),
    "ridge": (0.0, 1_000.0),
    "folds": (2, 10),
    "seed": (0, 2**31 - 1),
}
"""The least and the greatest value of each."""
_WHOLE = ("trees", "depth", "folds", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingParameters:
    """How trees are grown. Raises ModelParameterError for what lies outside of its range."""

    trees: int = 100
    depth: int = 3
    learning_rate: float = 0.1
    row_share: float = 1.0
    """Of the rows, drawn anew for each tree."""
    feature_share: float = 1.0
    least_child_weight: float = 1.0
    """The least sum of p (1 - p) over the rows of a leaf."""
    least_gain: float = 0.0
    ridge: float = 1.0
    calibration: CalibrationKind = CalibrationKind.PLATT
    folds: int = 5
    """Into which days are parted for calibration."""
    seed: int = 7

    def __post_init__(self) -> None:
        wrong = [self._problem(name) for name in RANGES]
        if any(wrong):
            raise ModelParameterError("; ".join(filter(None, wrong)))

    @property
    def rounds(self) -> int:
        """Trees that are grown altogether: those of the folds are thrown away."""
        return self.trees * (1 if self.calibration is CalibrationKind.NONE else 1 + self.folds)

    def to_dict(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"calibration": self.calibration.value}

    @classmethod
    def from_dict(cls, read: dict[str, Any]) -> TrainingParameters:
        """Raises ModelParameterError for a name that is none."""
        known = {each.name for each in fields(cls)}
        if strange := sorted(set(read) - known):
            raise ModelParameterError(f"no such parameter: {', '.join(strange)}")
        try:
            calibration = CalibrationKind(read.get("calibration", CalibrationKind.PLATT.value))
        except ValueError:
            raise ModelParameterError(f"calibration: {read['calibration']} is none") from None
        return cls(**{**read, "calibration": calibration})

    def _problem(self, name: str) -> str | None:
        value, (least, most) = getattr(self, name), RANGES[name]
        kinds = int if name in _WHOLE else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return f"{name}: must be a {'whole ' if name in _WHOLE else ''}number"
        if not math.isfinite(value) or not least <= value <= most:
            return f"{name}: {value} is not from {least} to {most}"
        return None
