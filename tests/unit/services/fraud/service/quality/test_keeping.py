"""Reports are made with their tasks, told with the states of those, and deleted once they have ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from meshkit.errors import MeshError
from meshkit.tasks import WorkState
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypes
from services.fraud.adapters.memory_quality import MemoryQuality, MemoryQualityRows, MemoryQualityWriter
from services.fraud.domain.quality.question import Condition, NewQualityReport
from services.fraud.domain.scenarios.publication import Actor
from services.fraud.service.quality.choosing import QualityChoices
from services.fraud.service.quality.keeping import QualityKeeper, ToldQualityReport
from tests.support.scenarios import BuiltInNames
from tests.support.submitted import MemoryTasks

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ALICE = Actor("t", "alice")
DAY = timedelta(days=1)


class Bench:
    """The use cases in memory."""

    def __init__(self) -> None:
        self.tasks, self.rows = MemoryTasks(), MemoryQualityRows()
        self.writer = MemoryQualityWriter(self.rows)
        choices = QualityChoices(BuiltInNames(), MemoryEventTypes(MemoryDeclarations()), lambda: NOW)
        self.keeper = QualityKeeper(MemoryQuality(self.rows), self.tasks, choices, lambda: NOW)

    async def create(self, **changed: Any) -> ToldQualityReport:
        values: dict[str, Any] = {"event_type": "payment", "since": NOW - 7 * DAY} | changed
        async with self.writer.begin("t") as changes:
            return await self.keeper.create(changes, ALICE, NewQualityReport(**values))

    async def delete(self, report_id: str) -> None:
        async with self.writer.begin("t") as changes:
            await self.keeper.delete(changes, UUID(report_id))

    def finish(self, report_id: str) -> None:
        found = self.rows.reports["t", report_id]
        self.rows.reports["t", report_id] = replace(found, finished_at=NOW, result=b"")


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_what_nobody_says_is_filled_in(bench: Bench) -> None:
    told = await bench.create()
    asked = told.report.question
    assert (asked.until, asked.as_of, asked.stored_before) == (NOW, NOW, NOW)
    assert (asked.label_delay, asked.entity_field, asked.review_capacity) == (30 * DAY, "user_id", 100)
    assert (told.state, told.report.created_by) == (WorkState("pending"), "alice")
    earlier = (await bench.create(as_of=NOW - DAY, label_delay=timedelta())).report.question
    assert (earlier.until, earlier.stored_before, earlier.label_delay) == (NOW - DAY, NOW, timedelta())


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"event_type": "nothing"}, "event_type"),
        ({"group_by": ("rule", "nonsense")}, "group_by[1]"),
        ({"group_by": ("user_id",)}, "group_by[0]"),
        ({"conditions": (Condition("channel", "online"), Condition("email", "a@example.org"))}, "conditions[1].name"),
        ({"entity_field": "channel"}, "entity_field"),
        ({"since": NOW}, "since"),
        ({"as_of": NOW + DAY}, "as_of"),
    ],
)
async def test_what_cannot_be_told_is_refused_by_its_field_and_leaves_nothing(
    bench: Bench, changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(MeshError) as caught:
        await bench.create(**changed)
    assert (caught.value.reason, [each.field for each in caught.value.violations]) == ("VALIDATION_FAILED", [field])
    assert not bench.rows.reports and not bench.tasks.known


async def test_groups_are_whatever_rules_can_ask(bench: Bench) -> None:
    names = ("outcome", "rule", "scenario", "model", "merchant_id")
    assert (await bench.create(group_by=names)).report.question.group_by == names
    others = ("currency", "ip.country", "profile.tier", "user_new_device", "channel")
    assert (await bench.create(group_by=others)).report.question.group_by == others


async def test_without_its_task_there_is_no_report(bench: Bench) -> None:
    bench.tasks.away = True
    with pytest.raises(MeshError):
        await bench.create()
    assert not bench.rows.reports


async def test_ten_of_a_tenant_may_wait(bench: Bench) -> None:
    made = [(await bench.create()).report for _ in range(10)]
    with pytest.raises(MeshError, match="10 reports"):
        await bench.create()
    bench.finish(made[4].report_id)
    await bench.create()


async def test_states_are_those_of_the_tasks_until_there_is_a_result(bench: Bench) -> None:
    made = (await bench.create()).report
    place = UUID(made.report_id)
    bench.tasks.known[made.task_id] = WorkState("running", 5, 10)
    assert (await bench.keeper.get("t", place)).state == WorkState("running", 5, 10)
    bench.finish(made.report_id)
    bench.tasks.known.clear()
    assert (await bench.keeper.get("t", place)).state == WorkState("succeeded", finished_at=NOW)
    (listed,), more = await bench.keeper.page("t", None, 5)
    assert (listed.state.state, more) == ("succeeded", False)
    other = (await bench.create()).report
    bench.tasks.known.clear()
    assert (await bench.keeper.get("t", UUID(other.report_id))).state.state == "failed", "its task is gone"
    with pytest.raises(MeshError):
        await bench.keeper.get("other", place)


async def test_what_has_not_ended_is_not_deleted(bench: Bench) -> None:
    made = (await bench.create()).report
    with pytest.raises(MeshError) as caught:
        await bench.delete(made.report_id)
    assert caught.value.reason == "STATE_NOT_ALLOWED"
    assert (await bench.keeper.cancel("t", UUID(made.report_id))).state.state == "cancelled"
    await bench.delete(made.report_id)
    with pytest.raises(MeshError) as caught:
        await bench.delete(made.report_id)
    assert caught.value.reason == "RESOURCE_NOT_FOUND"
    with pytest.raises(MeshError):
        await bench.keeper.cancel("t", uuid4())
