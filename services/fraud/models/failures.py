"""What may go wrong with a model, each told apart by who has to do something about it."""

from __future__ import annotations

from enum import Enum

__all__ = [
    "ArtifactError",
    "CalibrationError",
    "ConversionError",
    "ModelParameterError",
    "RefusalReason",
    "RefusedModelError",
    "ScoringError",
    "TrainingCancelledError",
    "TrainingTableError",
]


class TrainingTableError(ValueError):
    """Rows that nothing can be learned from, or measured on."""


class ModelParameterError(ValueError):
    """Parameters of a training outside their ranges; the words name each."""


class TrainingCancelledError(Exception):
    """A training ended because it was told to."""


class CalibrationError(ValueError):
    """Scores that say nothing of fraud, or the opposite: no rising curve makes probabilities of them."""


class ConversionError(ValueError):
    """A booster that cannot be served as ONNX, or one that ONNX answers otherwise."""


class ScoringError(Exception):
    """A model that gave no usable score."""


class ArtifactError(ValueError):
    """A stored model that cannot be read, or is not the one that was stored."""


class RefusalReason(Enum):
    """Why a model that somebody brought is not taken."""

    NO_FILE = "no_file"
    TOO_LARGE = "too_large"
    """The file itself, or what its graph would make of a thousand rows."""
    UNREADABLE = "unreadable"
    """No ONNX model, or one cut short."""
    EXTERNAL_DATA = "external_data"
    """It refers to other files."""
    FOREIGN_OPERATOR = "foreign_operator"
    """Operators, functions or domains that are not on the list."""
    WEIGHTS = "weights"
    """Numbers in it are none, or fewer than their shape says."""
    INPUTS = "inputs"
    OUTPUT = "output"
    NOT_RUNNABLE = "not_runnable"
    TOO_SLOW = "too_slow"
    SCORES = "scores"
    """It answers something else than finite probabilities."""


class RefusedModelError(Exception):
    """A model that somebody brought is not taken."""

    def __init__(self, reason: RefusalReason, words: str) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words

    def __reduce__(self) -> tuple[type[RefusedModelError], tuple[RefusalReason, str]]:
        """It crosses from the process that inspects."""
        return type(self), (self.reason, self.words)
