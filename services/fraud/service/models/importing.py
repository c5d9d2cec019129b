"""Takes models that were made elsewhere: part by part, inspected by a process of its own before anything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from meshkit.tasks import WorkState
from services.fraud import errors
from services.fraud.domain.scoring.model import ModelOrigin
from services.fraud.domain.scoring.version import MOST_UPLOAD_PARTS, ModelUse, ModelVersion, use_faults
from services.fraud.ports.models import (
    InspectedUpload,
    ModelChanges,
    ModelInspector,
    ModelReads,
    NewImport,
    UploadSize,
)
from services.fraud.service.models.choosing import TrainingChoices
from services.fraud.service.models.versions import ToldVersion, model_with_room

__all__ = ["ModelImports"]

WAIT_SECONDS = 2.0
"""For so long an import waits for another one in this process."""


class ModelImports:
    """The use cases. `inspect` comes first, what changes something then does so in the transaction that it is given."""

    def __init__(
        self,
        reads: ModelReads,
        inspector: ModelInspector,
        choices: TrainingChoices,
        clock: Callable[[], datetime],
    ) -> None:
        self._reads = reads
        self._inspector = inspector
        self._choices = choices
        self._clock = clock
        self._turn = asyncio.Lock()

    async def stage(
        self, changes: ModelChanges, name: str, upload_id: UUID, part: int, data: bytes, author: str
    ) -> UploadSize:
        """Keeps a part of a file. Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        if await changes.model(name) is None:
            raise errors.found_none("model")
        kept = await changes.stage(name, upload_id, part, data, author)
        if await changes.waiting() > MOST_UPLOAD_PARTS:
            raise errors.too_many_uploads(MOST_UPLOAD_PARTS)
        return kept

    async def inspect(self, new: NewImport) -> InspectedUpload:
        """Has a file inspected. Raises RESOURCE_NOT_FOUND, VALIDATION_FAILED with the reason why it is refused,
        STATE_NOT_ALLOWED if parts are missing, OVERLOADED, and MeshError UNAVAILABLE."""
        order = new.order
        model = await self._reads.model(order.tenant_id, order.name)
        if model is None:
            raise errors.found_none("model")
        if order.features:
            await self._choices.check_features(order.tenant_id, model, order.features)
        async with self._inspecting():
            found = await self._inspector.inspect(order)
        if not order.features:
            await self._choices.check_features(order.tenant_id, model, found.features)
        return found

    async def take(self, changes: ModelChanges, author: str, new: NewImport, found: InspectedUpload) -> ToldVersion:
        """Makes a version of what was inspected. Raises RESOURCE_NOT_FOUND, VALIDATION_FAILED, STATE_NOT_ALLOWED."""
        order = new.order
        model = await model_with_room(changes, order.name)
        usual = 1.0 if found.takes_missing else 0.0
        use = ModelUse(new.valid_until, usual if new.most_missing is None else new.most_missing)
        now = self._clock()
        version = ModelVersion(
            tenant_id=order.tenant_id, name=order.name, number=model.newest + 1, origin=ModelOrigin.IMPORTED,
            event_type=model.event_type, use=use, created_by=author, created_at=now, ready_at=now,
        )  # fmt: skip
        outcome = await changes.add_inspected(version, order)
        if outcome is None:
            raise errors.upload_incomplete(0, order.size)
        if faults := use_faults(use, outcome):
            raise errors.fields_invalid(faults)
        made = await changes.version(version.ref)
        assert made is not None
        return ToldVersion(made, WorkState("ready", finished_at=now))

    @asynccontextmanager
    async def _inspecting(self) -> AsyncIterator[None]:
        """One file at a time in this process. Raises OVERLOADED after a while."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise errors.inspections_busy() from None
        try:
            yield
        finally:
            self._turn.release()
