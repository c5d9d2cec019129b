"""Says which features made a score what it is: Shapley values over the trees, which add up to the margin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.fraud.domain.scoring.model import Contribution
from services.fraud.models.dataset import Matrix
from services.fraud.models.failures import ScoringError

__all__ = ["ModelExplainer"]


class ModelExplainer:
    """Explains scores by the trees that gave them, loaded from their stored bytes.

    Making the first imports xgboost, which takes about two seconds: do it in a thread.
    """

    def __init__(self, booster: bytes, names: Sequence[str]) -> None:
        import xgboost

        self.names = tuple(names)
        self._booster = xgboost.Booster(model_file=bytearray(booster))
        self._booster.set_param({"nthread": 1})
        if self._booster.num_features() != len(self.names):
            raise ScoringError("the trees know another number of features")
        self._booster.feature_names = None
        self._matrix = xgboost.DMatrix

    def contributions(self, values: Matrix) -> NDArray[np.float32]:
        """Returns for each row what each feature adds, and last what a row without features has."""
        found = self._booster.predict(self._matrix(values, nthread=1), pred_contribs=True)
        return np.asarray(found, np.float32)

    def reasons(self, values: Matrix, most: int) -> Sequence[Sequence[Contribution]]:
        """Returns for each row the features that did most, either way, the strongest first; those of 0 are none."""
        return [
            self._strongest(row, added, most) for row, added in zip(values, self.contributions(values), strict=True)
        ]

    def _strongest(self, row: Matrix, added: NDArray[np.float32], most: int) -> Sequence[Contribution]:
        order = np.argsort(-np.abs(added[:-1]), kind="stable")[:most]
        return [
            Contribution(self.names[place], None if np.isnan(row[place]) else float(row[place]), float(added[place]))
            for place in order.tolist()
            if added[place]
        ]
