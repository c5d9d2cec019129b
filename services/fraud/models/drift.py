"""Counts values in the bins of those that a model has learned from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from services.fraud.models.dataset import Floats, Integers, Matrix
from services.fraud.models.failures import TrainingTableError

__all__ = ["ReferenceBins", "SeenCounts", "SeenValues", "reference_bins"]

DECILES = 10
SAMPLE_SECONDS = 0.1
"""Between two batches that are counted: of many events a sample says as much as all of them."""


@dataclass(frozen=True, slots=True)
class ReferenceBins:
    """Bins between the deciles of the values learned from, with a last one for what is missing."""

    edges: tuple[float, ...]
    """The greatest value of each bin but the last two. Where many values are equal there are fewer."""
    shares: tuple[float, ...]
    """Of the values learned from."""

    def counts(self, values: Floats) -> Integers:
        """Returns how many values fall into each bin; such counts can be added up."""
        missing = np.isnan(values)
        places = np.where(missing, len(self.shares) - 1, np.searchsorted(self.edges, values, side="left"))
        return np.bincount(places, minlength=len(self.shares)).astype(np.int64)

    def to_dict(self) -> dict[str, Any]:
        return {"edges": list(self.edges), "shares": list(self.shares)}

    @classmethod
    def from_dict(cls, read: dict[str, Any]) -> ReferenceBins:
        return cls(tuple(read["edges"]), tuple(read["shares"]))


class SeenCounts(NamedTuple):
    """What was counted."""

    rows: int
    certain: int
    counts: Mapping[str, Sequence[int]]


class SeenValues:
    """Counts a sample of what a model is given and says. For one thread."""

    def __init__(
        self,
        features: Sequence[str],
        score: str,
        reference: Mapping[str, ReferenceBins],
        certain: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`score` is what the bins of the scores are called. Without a reference scores alone are counted."""
        self._columns = [(name, place, reference[name]) for place, name in enumerate(features) if name in reference]
        self._score, self._of_scores, self._certain = score, reference.get(score), certain
        self._clock = clock
        self._next = 0.0
        self.clear()

    def clear(self) -> None:
        """Begins anew."""
        self._rows = self._acted = 0
        self._counts: dict[str, Integers] = {}

    def add(self, values: Matrix, said: Sequence[float]) -> None:
        """Counts a batch, unless one was counted just now."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + SAMPLE_SECONDS
        scores = np.array(said)
        self._rows += len(scores)
        self._acted += int((scores >= self._certain).sum())
        for name, place, bins in self._columns:
            self._count(name, bins.counts(values[:, place].astype(np.float64)))
        if self._of_scores is not None:
            self._count(self._score, self._of_scores.counts(scores))

    def told(self) -> SeenCounts:
        """Returns all that was counted since it began."""
        return SeenCounts(self._rows, self._acted, {name: counts.tolist() for name, counts in self._counts.items()})

    def _count(self, name: str, counts: Integers) -> None:
        known = self._counts.get(name)
        self._counts[name] = counts if known is None else known + counts


def reference_bins(values: Floats) -> ReferenceBins:
    """Returns the bins of the values, NaN being missing. Raises TrainingTableError without any."""
    if not len(values):
        raise TrainingTableError("there is nothing to compare with")
    present = values[~np.isnan(values)].astype(np.float64)
    ranks = np.arange(1, DECILES) / DECILES
    # A decile is one of the values, so that equal values fall together, here and on the day that is compared.
    edges = np.unique(np.quantile(present, ranks, method="inverted_cdf")) if len(present) else np.zeros(0)
    bins = ReferenceBins(tuple(edges.tolist()), (0.0,) * (len(edges) + 2))
    counts = bins.counts(values.astype(np.float64))
    return ReferenceBins(bins.edges, tuple((counts / counts.sum()).tolist()))
