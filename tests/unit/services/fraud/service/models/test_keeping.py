"""Models are kept with their versions, which are trained as tasks, told with their states, and taken from files."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from meshkit.errors import MeshError
from meshkit.tasks import LeasedTask, TaskFailure, WorkState
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypes
from services.fraud.adapters.memory_models import (
    MemoryModelRows,
    MemoryModels,
    MemoryModelWriter,
    MemoryTrainingAttempts,
)
from services.fraud.domain.scenarios.scenario import ScenarioContent
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.domain.scoring.settings import NewTraining
from services.fraud.domain.scoring.version import MOST_MODELS, MOST_TRAININGS, MOST_VERSIONS, FraudModel, NewModel
from services.fraud.ports import UsingContent
from services.fraud.ports.models import InspectedUpload, InspectionOrder, NewImport
from services.fraud.ports.training import TrainingNews, TrainingOrder
from services.fraud.service.models import keeping
from services.fraud.service.models.choosing import TrainingChoices
from services.fraud.service.models.importing import ModelImports
from services.fraud.service.models.keeping import ModelKeeper
from services.fraud.service.models.training import TrainingWork
from services.fraud.service.models.versions import ModelVersions, ToldVersion
from tests.support.models import FEATURES, made_model
from tests.support.scenarios import BuiltInNames
from tests.support.submitted import MemoryTasks

NOW = datetime(2026, 11, 28, tzinfo=UTC)
FIRST = ModelRef("cards", 1)


class Inspector:
    """Implements `ModelInspector`: finds what it is told to."""

    def __init__(self, rows: MemoryModelRows) -> None:
        self.rows = rows
        self.found = InspectedUpload(FEATURES, False)

    async def inspect(self, order: InspectionOrder) -> InspectedUpload:
        made = made_model(self.found.features, takes_missing=self.found.takes_missing, explains=False)
        self.rows.inspected[order] = made
        return self.found


class Bench:
    """The use cases in memory."""

    def __init__(self) -> None:
        self.rows, self.tasks = MemoryModelRows(), MemoryTasks()
        self.reads, self.writer = MemoryModels(self.rows), MemoryModelWriter(self.rows)
        self.attempts, self.inspector = MemoryTrainingAttempts(self.rows), Inspector(self.rows)
        names, clock = BuiltInNames(), lambda: NOW
        choices = TrainingChoices(names, MemoryEventTypes(MemoryDeclarations()), clock)
        self.keeper = ModelKeeper(self.reads, self.tasks, names, clock)
        self.versions = ModelVersions(self.reads, self.tasks, choices, clock)
        self.imports = ModelImports(self.reads, self.inspector, choices, clock)

    async def create(self, name: str = "cards", event_type: str = "payment") -> FraudModel:
        async with self.writer.begin("t") as changes:
            return await self.keeper.create(changes, "t", NewModel(name, "", event_type))

    async def delete(self, name: str = "cards") -> None:
        async with self.writer.begin("t") as changes:
            await self.keeper.delete(changes, name)

    async def train(self, name: str = "cards", **asked: Any) -> ToldVersion:
        async with self.writer.begin("t") as changes:
            return await self.versions.train(changes, "t", "alice", name, NewTraining(**{"parameters": {}, **asked}))

    async def bring(self, upload: UUID | None = None, **asked: Any) -> ToldVersion:
        order = InspectionOrder(
            tenant_id="t", name="cards", upload_id=upload or uuid4(), size=1, sha256="", format="",
            features=asked.pop("features", ()),
        )  # fmt: skip
        new = NewImport(order=order, **{"valid_until": None, "most_missing": None, **asked})
        found = await self.imports.inspect(new)
        async with self.writer.begin("t") as changes:
            return await self.imports.take(changes, "alice", new, found)

    async def ready(self, ref: ModelRef = FIRST) -> None:
        await self.attempts.begin("t", ref, 1)
        await self.attempts.finish("t", ref, 1, made_model())


@pytest.fixture
async def bench() -> Bench:
    made = Bench()
    await made.create()
    return made


async def refused(call: Any) -> MeshError:
    with pytest.raises(MeshError) as caught:
        await call
    return caught.value


async def test_a_name_is_given_once_and_only_for_an_event_type_that_is_there(bench: Bench) -> None:
    assert (await refused(bench.create())).reason == "RESOURCE_EXISTS"
    error = await refused(bench.create("other", "voyage"))
    assert [each.field for each in error.violations] == ["model.event_type"]
    for number in range(MOST_MODELS - 1):
        await bench.create(f"m{number}")
    assert [each.reason for each in (await refused(bench.create("more"))).violations] == ["models.most"]


async def test_what_is_not_said_of_a_training_is_the_usual(bench: Bench) -> None:
    version = (await bench.train()).version
    settings = version.settings
    assert settings is not None
    assert {"amount", "user_count_1h"} <= set(settings.features)
    assert (settings.entity_field, settings.until, settings.since) == ("user_id", NOW, NOW - timedelta(days=90))
    assert (version.number, (await bench.keeper.get("t", "cards")).newest) == (1, 1)
    await bench.create("claims", "claim")
    claims = (await bench.train("claims", features=("amount",))).version.settings
    assert claims is not None and claims.entity_field == "claimant_id"


async def test_what_is_wrong_with_a_training_is_said_of_its_field(bench: Bench) -> None:
    error = await refused(bench.train(features=("amount", "channel"), entity_field="amount", days=3))
    assert [each.field for each in error.violations] == [
        "training.features[1]", "training.entity_field", "training.since",
    ]  # fmt: skip
    assert (await refused(bench.train("nothing"))).reason == "RESOURCE_NOT_FOUND"
    bench.tasks.away = True
    assert (await refused(bench.train())).reason == "DEPENDENCY_UNAVAILABLE"
    assert bench.rows.versions == {}


async def test_trainings_and_versions_are_bounded(bench: Bench) -> None:
    for _ in range(MOST_TRAININGS):
        await bench.train()
    assert (await refused(bench.train())).reason == "STATE_NOT_ALLOWED"
    for state in list(bench.tasks.known):
        bench.tasks.known[state] = WorkState("failed")
    assert (await bench.train()).version.number == MOST_TRAININGS + 1
    place = "t", "cards"
    bench.rows.models[place] = replace(bench.rows.models[place], newest=MOST_VERSIONS)
    assert [each.reason for each in (await refused(bench.train())).violations] == ["versions.most"]


@pytest.mark.parametrize(
    ("task", "told"),
    [
        (WorkState("running", 3, 9, "growing trees"), "running"),
        (WorkState("succeeded"), "running"),
        (WorkState("dead", error="Too often."), "failed"),
        (WorkState("cancelled"), "cancelled"),
        (None, "failed"),
    ],
)
async def test_a_version_is_told_with_the_state_of_its_task(bench: Bench, task: WorkState | None, told: str) -> None:
    version = (await bench.train()).version
    if task is None:
        bench.tasks.known.clear()
    else:
        bench.tasks.known[version.task_id] = task
    assert (await bench.versions.get("t", FIRST)).state.state == told
    await bench.ready()
    found = await bench.versions.get("t", FIRST)
    assert (found.state.state, found.version.outcome) == ("ready", made_model().outcome)
    assert await bench.versions.download("t", FIRST) == b"onnx"


async def test_a_training_is_cancelled_once_and_that_is_told_when_its_task_is_gone(bench: Bench) -> None:
    await bench.train()
    async with bench.writer.begin("t") as changes:
        assert (await bench.versions.cancel(changes, FIRST)).state.state == "cancelled"
        assert (await bench.versions.cancel(changes, FIRST)).state.state == "cancelled"
    bench.tasks.known.clear()
    assert (await bench.versions.get("t", FIRST)).state.state == "cancelled"
    assert (await refused(bench.versions.download("t", FIRST))).reason == "STATE_NOT_ALLOWED"
    await bench.train()
    await bench.ready(ModelRef("cards", 2))
    async with bench.writer.begin("t") as changes:
        error = await refused(bench.versions.cancel(changes, ModelRef("cards", 2)))
    assert error.metadata == {"state": "ready"}


async def test_a_model_that_is_trained_or_named_by_a_scenario_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = (await bench.train()).version
    assert (await refused(bench.delete())).metadata == {"state": "training"}
    bench.tasks.known[version.task_id] = WorkState("cancelled")
    bench.rows.contents.append(UsingContent("the draft of scenario cards", ScenarioContent(event_type="payment")))
    monkeypatch.setattr(keeping, "asks_model", lambda content, name: True)
    error = await refused(bench.delete())
    assert (error.metadata, "the draft of scenario cards" in error.message) == ({"state": "in_use"}, True)
    monkeypatch.undo()
    await bench.delete()
    assert (bench.rows.models, bench.rows.versions) == ({}, {})


async def test_what_is_brought_takes_as_much_missing_as_it_can(bench: Bench) -> None:
    told = await bench.bring()
    assert (told.state.state, told.version.number, told.version.use.most_missing) == ("ready", 1, 0.0)
    error = await refused(bench.bring(most_missing=0.5))
    assert [each.field for each in error.violations] == ["most_missing"]
    assert len(bench.rows.versions) == 1, "nothing is stored of what is refused"
    bench.inspector.found = InspectedUpload(FEATURES, True)
    assert (await bench.bring()).version.use.most_missing == 1.0


async def test_features_of_a_file_are_those_of_the_event_type(bench: Bench) -> None:
    error = await refused(bench.bring(features=("amount", "nonsense")))
    assert [each.field for each in error.violations] == ["features[1]"]
    bench.inspector.found = InspectedUpload(("amount", "f1"), True)
    error = await refused(bench.bring())
    assert [each.field for each in error.violations] == ["features[1]"]


class Runner:
    """Implements `TrainingRunner`: tells twice how far it is, and may fail then."""

    def __init__(self, failure: TaskFailure | None = None) -> None:
        self.failure = failure
        self.orders: list[TrainingOrder] = []

    async def run(self, order: TrainingOrder) -> AsyncGenerator[TrainingNews, None]:
        self.orders.append(order)
        for done in (0, 9):
            yield TrainingNews(done, 9, "growing trees")
        if self.failure is not None:
            raise self.failure


class Leased:
    """A task in the hands of the work."""

    def __init__(self, task_id: str, attempt: int = 1) -> None:
        self.tenant_id, self.task_id, self.token, self.attempt, self.max_attempts = "t", task_id, 4, attempt, 5
        self.arguments = {"model": "cards", "version": "1"}
        self.told: list[Any] = []

    def progress(self, *told: Any) -> None:
        self.told.append(told)


def work(bench: Bench, runner: Runner) -> TrainingWork:
    return TrainingWork(bench.reads, bench.writer, runner, lambda: NOW)


async def test_news_become_the_progress_of_the_task(bench: Bench) -> None:
    version, runner = (await bench.train()).version, Runner()
    task = Leased(version.task_id)
    assert await work(bench, runner).run(cast(LeasedTask, task)) == {"model": "cards", "version": 1}
    assert task.told == [(0, 9, "growing trees"), (9, 9, "growing trees")]
    (order,) = runner.orders
    assert (order.ref, order.token, order.settings) == (FIRST, 4, version.settings)


@pytest.mark.parametrize(("retryable", "attempt", "noted"), [(True, 1, False), (True, 5, True), (False, 1, True)])
async def test_why_there_will_be_no_model_is_noted(bench: Bench, retryable: bool, attempt: int, noted: bool) -> None:
    version = (await bench.train()).version
    runner = Runner(TaskFailure("T", "There is no fraud.", retryable=retryable))
    with pytest.raises(TaskFailure):
        await work(bench, runner).run(cast(LeasedTask, Leased(version.task_id, attempt)))
    bench.tasks.known.clear()
    error = (await bench.versions.get("t", FIRST)).state.error
    assert error == ("There is no fraud." if noted else "there is no such task any more")


async def test_a_task_of_another_version_of_the_number_does_nothing(bench: Bench) -> None:
    await bench.train()
    runner = Runner()
    with pytest.raises(TaskFailure, match="not created"):
        await work(bench, runner).run(cast(LeasedTask, Leased(str(uuid4()))))
    assert runner.orders == []
