"""Ports of scoring: versions of models that are loaded, and what versions are given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from services.fraud.domain.scoring.model import Contribution, ModelRef

__all__ = ["ModelFailedError", "ModelInputs", "ModelLoader", "Scorer"]


class ModelInputs(Protocol):
    """What versions are given."""

    async def inputs(self, tenant_id: str, ref: ModelRef) -> Sequence[str] | None:
        """Returns the features of a version that is ready, None if there is none. Raises MeshError UNAVAILABLE."""
        ...


class ModelFailedError(Exception):
    """A model gave no usable score. The message says why, for the operator's log."""


class Scorer(Protocol):
    """A version that is loaded and warmed up."""

    @property
    def ref(self) -> ModelRef: ...

    @property
    def features(self) -> Sequence[str]:
        """In the order in which it wants their values."""
        ...

    @property
    def valid_until(self) -> datetime | None: ...

    @property
    def most_missing(self) -> float:
        """Share of its features that may be missing."""
        ...

    def score(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        """Returns the probability of fraud for each row of values, NaN for a missing one. Raises ModelFailedError."""
        ...

    def explain(self, rows: Sequence[Sequence[float]], most: int) -> Sequence[Sequence[Contribution]]:
        """Returns what did most to the score of each row, the strongest first; nothing for a model without trees.

        Raises ModelFailedError.
        """
        ...


class ModelLoader(Protocol):
    """Loads versions."""

    async def load(self, tenant_id: str, ref: ModelRef, known: Scorer | None = None) -> Scorer | None:
        """Returns a version, warmed up; None if there is none that can be used. Raises MeshError UNAVAILABLE.

        `known` is the same one as it was loaded before: only how it may be used can have changed since.
        """
        ...
