"""Loads versions of models, proves that they say what they said when they were made, and scores by them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from copy import copy
from datetime import datetime

from services.fraud.adapters.watched_models import ModelSight, WatchedModels
from services.fraud.domain.scoring.model import Contribution, ModelRef, ServedModel
from services.fraud.domain.scoring.version import ModelUse
from services.fraud.models.artifact import ModelArtifact, artifact_of
from services.fraud.models.dataset import matrix_from
from services.fraud.models.failures import ArtifactError, ScoringError
from services.fraud.models.golden import check_golden
from services.fraud.models.reasons import ModelExplainer
from services.fraud.models.serving import ScoringModel
from services.fraud.ports.drift import WatchedModel
from services.fraud.ports.models import ServedModels
from services.fraud.ports.scoring import ModelFailedError, Scorer

__all__ = ["OpenedModel", "StoredModels"]

_log = logging.getLogger(__name__)


class OpenedModel:
    """Implements `Scorer`."""

    def __init__(self, served: ServedModel) -> None:
        """Takes seconds the first time, and is for a thread. Raises whatever the libraries do for a broken model."""
        artifact = _artifact(served)
        self.ref = served.ref
        self.features: Sequence[str] = artifact.signature.features
        self.valid_until: datetime | None = served.valid_until
        self.most_missing = served.most_missing
        self.reference = artifact.reference
        """Bins of the values learned from, by feature."""
        self.sight: ModelSight | None = None
        """What it tells what it sees."""
        self._model = ScoringModel(artifact.onnx, artifact.signature)
        check_golden(self._model, artifact.golden)
        self._explainer = ModelExplainer(artifact.booster, self.features) if artifact.booster else None
        if self._explainer is not None:
            self._explainer.contributions(artifact.golden.values[:1])

    def used(self, use: ModelUse) -> OpenedModel:
        """Returns the same model, to be used as is said now."""
        found = copy(self)
        found.valid_until, found.most_missing = use.valid_until, use.most_missing
        return found

    def score(self, rows: Sequence[Sequence[float]]) -> Sequence[float]:
        values = matrix_from(rows)
        try:
            scores = self._model.score(values)
        except ScoringError as error:
            raise ModelFailedError(str(error)) from error
        if self.sight is not None:
            self.sight.add(values, scores)
        return scores

    def explain(self, rows: Sequence[Sequence[float]], most: int) -> Sequence[Sequence[Contribution]]:
        if self._explainer is None:
            return [()] * len(rows)
        try:
            return self._explainer.reasons(matrix_from(rows), most)
        except Exception as error:
            # The library raises types of its own.
            raise ModelFailedError(f"a score cannot be explained: {type(error).__name__}") from error


class StoredModels:
    """Implements `ModelLoader`."""

    def __init__(self, served: ServedModels, watched: WatchedModels | None = None) -> None:
        """`watched` is told what models see that are loaded."""
        self._served = served
        self._watched = watched

    async def load(self, tenant_id: str, ref: ModelRef, known: Scorer | None = None) -> Scorer | None:
        if isinstance(known, OpenedModel):
            use = await self._served.use(tenant_id, ref)
            return known.used(use) if use is not None else None
        found = await self._served.served(tenant_id, ref)
        if found is None:
            return None
        try:
            opened = await asyncio.to_thread(OpenedModel, found)
        except Exception:
            # The libraries raise types of their own, and whatever it is, rules decide.
            fields = {"tenant": tenant_id, "model": str(ref)}
            _log.exception("a model cannot be loaded", extra={"fields": fields})
            return None
        if self._watched is not None:
            opened.sight = self._watched.sight_of(WatchedModel(tenant_id, ref), opened.features, opened.reference)
        return opened


def _artifact(served: ServedModel) -> ModelArtifact:
    try:
        return artifact_of(json.loads(served.described), served.onnx, served.booster)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError("the stored model cannot be read") from error
