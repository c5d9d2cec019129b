"""Has versions of models trained, tells how far they are, and changes how they may be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from meshkit.ids import uuid7_text
from meshkit.tasks import GONE, OrderedWork, SubmittedTasks, WorkState, unfinished
from services.fraud import errors
from services.fraud.domain.scoring.model import ModelOrigin, ModelRef
from services.fraud.domain.scoring.settings import NewTraining
from services.fraud.domain.scoring.version import (
    MOST_TRAININGS,
    MOST_VERSIONS,
    FraudModel,
    ModelEnd,
    ModelUse,
    ModelVersion,
    use_faults,
)
from services.fraud.ports.models import ModelChanges, ModelReads
from services.fraud.service.models.choosing import TrainingChoices

__all__ = ["LARGEST_DOWNLOAD", "ModelVersions", "ToldVersion", "model_with_room"]

LARGEST_DOWNLOAD = 7 << 20
"""Bytes: what fits into a message of the mesh."""
READY, FAILED, CANCELLED = "ready", "failed", "cancelled"
_TOLD = {"succeeded": "running", "dead": FAILED}
"""Of a task whose model was not seen yet: it is there at the next look."""


@dataclass(frozen=True, slots=True)
class ToldVersion:
    """A version with how far it is."""

    version: ModelVersion
    state: WorkState


class ModelVersions:
    """The use cases. What changes something does so in the transaction that it is given."""

    def __init__(
        self, reads: ModelReads, tasks: SubmittedTasks, choices: TrainingChoices, clock: Callable[[], datetime]
    ) -> None:
        self._reads = reads
        self._tasks = tasks
        self._choices = choices
        self._clock = clock

    async def train(
        self, changes: ModelChanges, tenant_id: str, author: str, name: str, new: NewTraining
    ) -> ToldVersion:
        """Makes a version, and has it trained. Where that fails nothing is left but a task that ends at once.

        Raises RESOURCE_NOT_FOUND, VALIDATION_FAILED, and STATE_NOT_ALLOWED if too many have not ended.
        """
        model = await model_with_room(changes, name)
        settings = await self._choices.settings(tenant_id, model, new)
        waiting = await changes.unfinished()
        if await unfinished(self._tasks, [each.task_id for each in waiting]) >= MOST_TRAININGS:
            raise errors.too_many_trainings(MOST_TRAININGS)
        ref = ModelRef(name, model.newest + 1)
        work = OrderedWork(uuid7_text(), f"Training of {ref}", {"model": name, "version": str(ref.number)})
        version = ModelVersion(
            tenant_id=tenant_id, name=name, number=ref.number, origin=ModelOrigin.TRAINED,
            event_type=model.event_type, settings=settings, task_id=await self._tasks.submit(work),
            created_by=author, created_at=self._clock(),
        )  # fmt: skip
        await changes.add_version(version)
        return ToldVersion(version, WorkState("pending"))

    async def get(self, tenant_id: str, ref: ModelRef) -> ToldVersion:
        """Raises RESOURCE_NOT_FOUND."""
        (told,) = await self._told([await self._found(tenant_id, ref)])
        if told.state.state == "running" and told.version.outcome is None:
            # It may have ended between the two looks.
            again = await self._found(tenant_id, ref)
            return ToldVersion(again, WorkState(READY)) if again.outcome is not None else told
        return told

    async def page(self, tenant_id: str, name: str, before: int, limit: int) -> tuple[Sequence[ToldVersion], bool]:
        """Returns a page of at most `limit` versions, newest first, and whether there are more.

        Raises RESOURCE_NOT_FOUND.
        """
        if await self._reads.model(tenant_id, name) is None:
            raise errors.found_none("model")
        found = await self._reads.versions(tenant_id, name, before, limit + 1)
        return await self._told(found[:limit]), len(found) > limit

    async def cancel(self, changes: ModelChanges, ref: ModelRef) -> ToldVersion:
        """Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        found = await changes.version(ref)
        if found is None:
            raise errors.found_none("model version")
        if found.outcome is not None or (found.end is not None and found.end.state == FAILED):
            raise errors.step_not_allowed("the training has ended", READY if found.outcome else FAILED)
        state = await self._tasks.cancel(found.task_id)
        if state.state in ("cancelled", "cancelling"):
            # Told when the task is gone. A model that is stored before the training has stopped is ready all the same.
            await changes.end(ref, ModelEnd(CANCELLED, "", self._clock()))
        return ToldVersion(found, state)

    async def update(self, changes: ModelChanges, ref: ModelRef, change: Callable[[ModelUse], ModelUse]) -> ToldVersion:
        """Changes how a version may be used. Raises RESOURCE_NOT_FOUND and VALIDATION_FAILED."""
        found = await changes.version(ref)
        if found is None:
            raise errors.found_none("model version")
        use = change(found.use)
        if found.outcome is not None and (faults := use_faults(use, found.outcome)):
            raise errors.fields_invalid(faults)
        await changes.use(ref, use)
        (told,) = await self._told([replace(found, use=use)])
        return told

    async def download(self, tenant_id: str, ref: ModelRef) -> bytes:
        """Raises RESOURCE_NOT_FOUND, and STATE_NOT_ALLOWED for a version that is not ready, or too large."""
        told = await self.get(tenant_id, ref)
        if told.version.outcome is None:
            raise errors.not_ready(told.state.state)
        found = await self._reads.onnx(tenant_id, ref, LARGEST_DOWNLOAD)
        if found is None:
            raise errors.model_too_large(LARGEST_DOWNLOAD)
        return found

    async def _found(self, tenant_id: str, ref: ModelRef) -> ModelVersion:
        found = await self._reads.version(tenant_id, ref)
        if found is None:
            raise errors.found_none("model version")
        return found

    async def _told(self, versions: Sequence[ModelVersion]) -> Sequence[ToldVersion]:
        asked = [each.task_id for each in versions if each.outcome is None]
        states = await self._tasks.states(asked) if asked else {}
        return [ToldVersion(each, _state(each, states.get(each.task_id))) for each in versions]


async def model_with_room(changes: ModelChanges, name: str) -> FraudModel:
    """Returns a model that may have one more version. Raises RESOURCE_NOT_FOUND and VALIDATION_FAILED."""
    model = await changes.model(name)
    if model is None:
        raise errors.found_none("model")
    if model.newest >= MOST_VERSIONS:
        raise errors.too_many_versions(MOST_VERSIONS)
    return model


def _state(version: ModelVersion, task: WorkState | None) -> WorkState:
    """Returns how far a version is: by its model, else by its task, else by what was noted of its end."""
    if version.outcome is not None:
        return WorkState(READY, finished_at=version.ready_at)
    if task is not None:
        return replace(task, state=_TOLD.get(task.state, task.state))
    if version.end is not None:
        return WorkState(version.end.state, error=version.end.error, finished_at=version.end.at)
    return GONE
