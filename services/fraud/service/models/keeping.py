"""Creates, reads, changes and deletes models. The tenant is the verified caller's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from meshkit.preconditions import etag_mismatch
from meshkit.tasks import SubmittedTasks, unfinished
from services.fraud import errors
from services.fraud.domain.names import FieldFault
from services.fraud.domain.scenarios.uses import asks_model
from services.fraud.domain.scoring.version import MOST_MODELS, FraudModel, NewModel
from services.fraud.ports.models import ModelChanges, ModelReads
from services.fraud.ports.scenarios import Vocabularies

__all__ = ["AdmitsModel", "ChecksModel", "ModelKeeper"]

AdmitsModel = Callable[[FraudModel], bool]
"""Tells whether a model, in the state that it is in, may be changed."""
ChecksModel = Callable[[FraudModel], None]


class ModelKeeper:
    """The use cases. What changes something does so in the transaction that it is given."""

    def __init__(
        self,
        reads: ModelReads,
        tasks: SubmittedTasks,
        vocabularies: Vocabularies,
        clock: Callable[[], datetime],
        new_tag: Callable[[], UUID] = uuid4,
    ) -> None:
        self._reads = reads
        self._tasks = tasks
        self._vocabularies = vocabularies
        self._clock = clock
        self._new_tag = new_tag

    async def create(self, changes: ModelChanges, tenant_id: str, new: NewModel) -> FraudModel:
        """Raises VALIDATION_FAILED, also of one model too many, and RESOURCE_EXISTS."""
        if await self._vocabularies.variables(tenant_id, new.event_type) is None:
            fault = FieldFault("model.event_type", "event_type.known", "is no event type of the tenant")
            raise errors.fields_invalid([fault])
        if await changes.model(new.name) is None and await changes.count() >= MOST_MODELS:
            raise errors.too_many_models(MOST_MODELS)
        now = self._clock()
        wanted = FraudModel(
            name=new.name, description=new.description, event_type=new.event_type, tag=self._new_tag(),
            created_at=now, updated_at=now,
        )  # fmt: skip
        made = await changes.create(wanted)
        if made is None:
            raise errors.model_exists()
        return made

    async def get(self, tenant_id: str, name: str) -> FraudModel:
        """Raises RESOURCE_NOT_FOUND."""
        return _found(await self._reads.model(tenant_id, name))

    async def page(self, tenant_id: str, after: str, limit: int) -> tuple[Sequence[FraudModel], bool]:
        """Returns a page of at most `limit` models, and whether there are more."""
        found = await self._reads.page(tenant_id, after, limit + 1)
        return found[:limit], len(found) > limit

    async def update(
        self,
        changes: ModelChanges,
        name: str,
        description: str | None,
        admits: AdmitsModel | None = None,
        check: ChecksModel | None = None,
    ) -> FraudModel:
        """Changes the description, only of a model that is admitted and in which `check` finds nothing wrong.

        Raises RESOURCE_NOT_FOUND and ETAG_MISMATCH, and what `check` raises.
        """
        found = await _admitted(changes, name, admits)
        if check is not None:
            check(found)
        if description in (None, found.description):
            return found
        changed = replace(found, description=description, updated_at=self._clock(), tag=self._new_tag())
        await changes.save(changed)
        return changed

    async def delete(self, changes: ModelChanges, name: str, admits: AdmitsModel | None = None) -> None:
        """Deletes a model with its versions.

        Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH, and STATE_NOT_ALLOWED for one that scenarios name, or that is trained.
        """
        await _admitted(changes, name, admits)
        using = [each.name for each in await changes.contents() if asks_model(each.content, name)]
        if using:
            raise errors.model_in_use(using)
        waiting = await changes.unfinished(name)
        if await unfinished(self._tasks, [each.task_id for each in waiting]):
            raise errors.step_not_allowed("a version of the model is trained: cancel it, or wait", "training")
        await changes.delete(name)


def _found(model: FraudModel | None) -> FraudModel:
    if model is None:
        raise errors.found_none("model")
    return model


async def _admitted(changes: ModelChanges, name: str, admits: AdmitsModel | None) -> FraudModel:
    found = _found(await changes.model(name))
    if admits is not None and not admits(found):
        raise etag_mismatch()
    return found
