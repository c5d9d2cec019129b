"""Keeps the models that decide for tenants at hand, loaded and warmed up, so that no decision waits for one twice."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from contextvars import Context

from prometheus_client import Counter, Gauge

from meshkit.errors import MeshError
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.ports.scoring import ModelLoader, Scorer

__all__ = ["NO_MODELS", "ModelCatalog"]

_log = logging.getLogger(__name__)
_loaded = Counter("models_loaded", "Versions of models that were loaded.", ["result"])
_kept = Gauge("models_at_hand", "Versions of models that are loaded.")

MODELS = 128
"""Versions that a process keeps, of all tenants."""
AGAIN_SECONDS = 60.0
"""After which a version is looked at again: until when it is valid may change, and one that was missing may come."""
NO_MODELS: Mapping[ModelRef, Scorer] = {}
Key = tuple[str, ModelRef]


class ModelCatalog:
    """The versions that were asked for last, `most` of them."""

    def __init__(self, loader: ModelLoader, *, most: int = MODELS, clock: Callable[[], float] = time.monotonic) -> None:
        self._loader = loader
        self._most = most
        self._clock = clock
        self._known: OrderedDict[Key, tuple[Scorer | None, float]] = OrderedDict()
        """Each with when it was looked for. None for one that is not there."""
        self._loading: dict[Key, asyncio.Task[None]] = {}

    def knows(self, tenant_id: str, refs: Collection[ModelRef]) -> bool:
        """Tells whether `of` need not wait."""
        return all((tenant_id, ref) in self._known for ref in refs)

    def at_hand(self, tenant_id: str, refs: Collection[ModelRef]) -> Mapping[ModelRef, Scorer]:
        """Returns those that are loaded. Never waits."""
        now, found = self._clock(), {}
        for ref in refs:
            key = tenant_id, ref
            scorer, looked_at = self._known.get(key, (None, now))
            if now - looked_at > AGAIN_SECONDS:
                self._load(key)
            if scorer is not None:
                self._known.move_to_end(key)
                found[ref] = scorer
        return found

    async def of(self, tenant_id: str, refs: Collection[ModelRef]) -> Mapping[ModelRef, Scorer]:
        """Returns those that there are, each loaded by one for all who ask."""
        loading = [self._load((tenant_id, ref)) for ref in refs if (tenant_id, ref) not in self._known]
        # Whoever gives up takes it from nobody else.
        await asyncio.gather(*[asyncio.shield(each) for each in loading])
        return self.at_hand(tenant_id, refs)

    def _load(self, key: Key) -> asyncio.Task[None]:
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.create_task(self._loaded(key), context=Context())
            task.add_done_callback(lambda _: self._loading.pop(key, None))
        return task

    async def _loaded(self, key: Key) -> None:
        fields = {"tenant": key[0], "model": str(key[1])}
        before, _ = self._known.get(key, (None, 0.0))
        try:
            found = await self._loader.load(*key, before)
        except MeshError as error:
            _loaded.labels("failed").inc()
            _log.warning("a model cannot be read: %s", error.message, extra={"fields": fields})
            # What is known goes on; what is not is asked for again.
            if key in self._known:
                self._keep(key, before)
            return
        if before is None:
            _loaded.labels("loaded" if found is not None else "missing").inc()
        if found is None:
            _log.error("a model that decides cannot be used", extra={"fields": fields})
        self._keep(key, found)

    def _keep(self, key: Key, found: Scorer | None) -> None:
        self._known[key] = found, self._clock()
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        _kept.set(len(self._known))
