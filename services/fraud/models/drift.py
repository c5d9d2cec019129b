"""Says how far values of today lie from those that a model has learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from services.fraud.models.dataset import Floats, Integers
from services.fraud.models.failures import TrainingTableError

__all__ = ["DRIFTED", "ReferenceBins", "reference_bins"]

DECILES = 10
LEAST_SHARE = 1e-4
"""An empty bin counts as this share: its logarithm is to be finite."""
DRIFTED = 0.25
"""An index from which on a population is commonly taken to be another one; from 0.1 on it is worth a look."""


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

    def stability_index(self, counts: Integers) -> float:
        """Returns the population stability index: 0 for the same shares.

        Raises TrainingTableError for other bins, or none filled.
        """
        if len(counts) != len(self.shares) or not counts.sum():
            raise TrainingTableError("counts of other bins, or of nothing")
        now = np.maximum(counts / counts.sum(), LEAST_SHARE)
        then = np.maximum(self.shares, LEAST_SHARE)
        return float(np.sum((now - then) * np.log(now / then)))

    def to_dict(self) -> dict[str, Any]:
        return {"edges": list(self.edges), "shares": list(self.shares)}

    @classmethod
    def from_dict(cls, read: dict[str, Any]) -> ReferenceBins:
        return cls(tuple(read["edges"]), tuple(read["shares"]))


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
