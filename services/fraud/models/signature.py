"""Which inputs an ONNX model is given, and which of its outputs is the probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from services.fraud.models.dataset import Matrix

__all__ = ["FEATURES_INPUT", "PROBABILITY_OUTPUT", "InputForm", "ModelSignature", "own_signature"]

FEATURES_INPUT = "features"
PROBABILITY_OUTPUT = "probability"


class InputForm(Enum):
    """How a model takes the features of its rows."""

    MATRIX = "matrix"
    """One input, a row of numbers for each row."""
    COLUMNS = "columns"
    """An input for each feature, by its name."""


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """How an ONNX model is called."""

    form: InputForm
    features: tuple[str, ...]
    """In the order of the matrix."""
    input: str
    """The name of the one input; empty for columns, whose names are those of the features."""
    output: str
    column: int
    """Of the output, where it has several: the last of two is the probability of fraud. 0 otherwise."""

    def fed(self, values: Matrix) -> dict[str, Matrix]:
        """Returns the inputs for rows of features."""
        if self.form is InputForm.MATRIX:
            return {self.input: values}
        return {name: values[:, place : place + 1] for place, name in enumerate(self.features)}

    def to_dict(self) -> dict[str, Any]:
        return {
            "form": self.form.value,
            "features": list(self.features),
            "input": self.input,
            "output": self.output,
            "column": self.column,
        }

    @classmethod
    def from_dict(cls, read: dict[str, Any]) -> ModelSignature:
        return cls(InputForm(read["form"]), tuple(read["features"]), read["input"], read["output"], int(read["column"]))


def own_signature(features: Sequence[str]) -> ModelSignature:
    """Returns the signature of the models that are trained here."""
    return ModelSignature(InputForm.MATRIX, tuple(features), FEATURES_INPUT, PROBABILITY_OUTPUT, 0)
