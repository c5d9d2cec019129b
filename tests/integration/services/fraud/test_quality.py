"""What is kept of reports of quality, what they are made of, and processes that make them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest

from meshkit.errors import MeshError
from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.reads import Reads
from meshkit.tasks import TaskFailure
from services.fraud.adapters.child_quality import ChildQuality, quality_order_from_json, quality_order_to_json
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.memory_labelled import MemoryLabelledDecisions
from services.fraud.adapters.memory_quality import (
    MemoryQuality,
    MemoryQualityAttempts,
    MemoryQualityRows,
    MemoryQualityWriter,
)
from services.fraud.adapters.postgres_labelled import PostgresLabelledDecisions
from services.fraud.adapters.postgres_labels import PostgresLabelWriter
from services.fraud.adapters.postgres_quality import (
    PostgresQuality,
    PostgresQualityAttempts,
    PostgresQualityWriter,
)
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.domain.backtests.past import BUILT_IN_SETS
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.quality.question import QualityQuestion
from services.fraud.domain.quality.report import QualityReport, QualityResult
from services.fraud.domain.quality.tally import QualityTally
from services.fraud.models.score_quality import ScoreTable
from services.fraud.ports.backtests import SupersededError
from services.fraud.ports.labelled import DecidedPeriod, LabelledDecision, LabelledDecisions
from services.fraud.ports.quality import QualityAttempts, QualityNews, QualityOrder, QualityReads, QualityWriter
from services.fraud.service.quality.grouping import Grouping
from services.fraud.service.quality.run import QualityRun
from tests.support.fraud import check, milliseconds, new_tenant
from tests.support.fraud import decided as decided_check
from tests.support.labels import label
from tests.support.quality import NOW, PaidHistory, quality_report, question, read_result
from tests.support.servers import Database


class Kept(NamedTuple):
    """One store of reports."""

    reads: QualityReads
    writer: QualityWriter
    attempts: QualityAttempts


@pytest.fixture(params=["memory", "postgres"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "memory":
        rows = MemoryQualityRows()
        return Kept(MemoryQuality(rows), MemoryQualityWriter(rows), MemoryQualityAttempts(rows))
    return stored(request.getfixturevalue("pool"))


def stored(pool: Pool) -> Kept:
    return Kept(PostgresQuality(Reads(pool)), PostgresQualityWriter(pool), PostgresQualityAttempts(pool))


async def added(kept: Kept, made: QualityReport) -> QualityReport:
    async with kept.writer.begin(made.tenant_id) as changes:
        await changes.add(made)
    return made


def told(decisions: int = 0) -> QualityResult:
    tally = QualityTally(("rule",))
    tally.unread = decisions
    return QualityResult(question(group_by=("rule",)), tally, (), [{}])


async def test_a_report_is_read_as_it_was_added_listed_and_deleted(kept: Kept, tenant: str) -> None:
    made = [await added(kept, quality_report(tenant)) for _ in range(3)]
    await added(kept, quality_report(new_tenant()))
    place = UUID(made[0].report_id)
    assert await kept.reads.get(tenant, place) == made[0]
    assert await kept.reads.get(new_tenant(), place) is None
    first = await kept.reads.page(tenant, None, 2)
    rest = await kept.reads.page(tenant, UUID(first[-1].report_id), 2)
    assert [*first, *rest] == made[::-1]
    async with kept.writer.begin(tenant) as changes:
        assert await changes.get(place) == made[0]
        await changes.delete(place)
    async with kept.writer.begin(new_tenant()) as changes:
        await changes.delete(UUID(made[1].report_id))
    assert [each.report_id for each in await kept.reads.page(tenant, None, 9)] == [
        each.report_id for each in made[:0:-1]
    ]


async def test_a_result_is_stored_once_by_the_latest_attempt(kept: Kept, tenant: str) -> None:
    made, other = [await added(kept, quality_report(tenant)) for _ in range(2)]
    place = tenant, made.report_id
    assert await kept.attempts.begin(*place, 3)
    assert await kept.attempts.begin(*place, 4)
    for token in (3, 5):
        with pytest.raises(SupersededError):
            await kept.attempts.finish(*place, token, told())
    with pytest.raises(SupersededError):
        await kept.attempts.begin(*place, 3)
    await kept.attempts.finish(*place, 4, told(7))
    with pytest.raises(SupersededError):
        await kept.attempts.finish(*place, 4, told(8))
    assert not await kept.attempts.begin(*place, 9), "there is a result"
    found = await kept.reads.get(tenant, UUID(made.report_id))
    assert read_result(found).unread == 7
    assert found is not None and found.finished_at is not None
    (_, listed) = await kept.reads.page(tenant, None, 9)
    assert (listed.finished_at, listed.result) == (found.finished_at, None)
    async with kept.writer.begin(tenant) as changes:
        assert [each.report_id for each in await changes.without_result(9)] == [other.report_id]
        await changes.delete(UUID(other.report_id))
    with pytest.raises(SupersededError):
        await kept.attempts.begin(tenant, other.report_id, 1)


async def test_old_reports_go_whatever_the_tenant_and_young_ones_stay(pool: Pool, tenant: str) -> None:
    kept, writer = stored(pool), PostgresQualityWriter(pool)
    old = await added(kept, quality_report(tenant, created_at=datetime.now(UTC) - timedelta(days=401)))
    young = await added(kept, quality_report(tenant))
    assert await kept.reads.get(tenant, UUID(old.report_id)) is None, "not told any more"
    assert await writer.prune() >= 1
    assert await writer.prune() == 0
    async with transaction(pool, [tenant]) as connection:
        ids = await connection.fetch("SELECT report_id FROM quality_reports")
    assert [str(each["report_id"]) for each in ids] == [young.report_id]
    async with transaction(pool, [new_tenant()]) as connection:
        assert await connection.fetchval("SELECT count(*) FROM quality_reports") == 0


@pytest.fixture(params=["memory", "postgres"])
async def decided(request: pytest.FixtureRequest, pool: Pool, tenant: str) -> tuple[PaidHistory, LabelledDecisions]:
    history = PaidHistory(tenant, count=60)
    if request.param == "memory":
        return history, MemoryLabelledDecisions(*await history.stored())
    await store(pool, history)
    return history, PostgresLabelledDecisions(pool)


async def store(pool: Pool, history: PaidHistory) -> None:
    generation = await pool.fetchval("SELECT generation FROM log_generation")
    rows = [made._replace(features=made.features._replace(generation=generation)) for made in history.decisions]
    for start in range(0, len(rows), 300):
        batch = sorted(rows[start : start + 300], key=lambda made: made.check.key)
        assert len((await PostgresStore(pool, EventKeys(pool)).commit(batch)).answers) == len(batch)
    async with PostgresLabelWriter(pool).begin(history.tenant_id) as changes:
        await changes.add([each for labels in history.labels.values() for each in labels])


async def read(decisions: LabelledDecisions, period: DecidedPeriod) -> Sequence[LabelledDecision]:
    found = [each async for page in decisions.pages(period) for each in page]
    assert len(found) == await decisions.count(period)
    return found


@pytest.mark.parametrize("days", [0, 3, 20])
async def test_labels_are_read_as_they_were_known_and_stored_by_then(
    decided: tuple[PaidHistory, LabelledDecisions], days: int
) -> None:
    history, decisions = decided
    # Decisions are stored when the test runs, whatever they say.
    later = datetime.now(UTC) + timedelta(days=1)
    asked = question(as_of=NOW - timedelta(days=days), until=NOW - timedelta(days=days))
    period = DecidedPeriod(
        tenant_id=history.tenant_id, event_type="payment", since=asked.since, until=asked.until,
        known_by=asked.as_of, stored_before=later,
    )  # fmt: skip
    found = await read(decisions, period)
    made = {each.check.transaction_id: each for each in history.decisions if each.features.event_time < asked.until}
    assert {each.past.transaction_id for each in found} == set(made)
    known = {each.past.transaction_id: each.labels[-1][2] if each.labels else None for each in found}
    expected = {name: history.known(each, replace(asked, stored_before=later)) for name, each in made.items()}
    assert known == expected and {*known.values()} > {None}
    assert await read(decisions, replace(period, event_type="login")) == []
    assert await read(decisions, replace(period, tenant_id=new_tenant())) == []


async def test_what_was_stored_later_is_left_out(pool: Pool, tenant: str) -> None:
    history = PaidHistory(tenant, count=20)
    await store(pool, history)
    decisions = PostgresLabelledDecisions(pool)
    period = DecidedPeriod(tenant_id=tenant, event_type="payment", since=NOW - timedelta(days=60), until=NOW)
    everything = await read(decisions, period)
    assert len(everything) == 20
    labels = sum(len(each.labels) for each in everything)
    assert labels == sum(not each.refused for found in history.labels.values() for each in found) > 5
    first = min(UUID(each.past.decision_id) for each in everything)
    made = datetime.fromtimestamp((first.int >> 80) / 1_000, UTC)
    assert await read(decisions, replace(period, stored_before=made)) == []
    soon = replace(period, stored_before=datetime.now(UTC) + timedelta(minutes=1))
    late = label(50, known=NOW, created_at=NOW + timedelta(days=1), transaction_id="t3",
                 decision_id=history.decisions[3].decision_id)  # fmt: skip
    async with PostgresLabelWriter(pool).begin(tenant) as changes:
        await changes.add([late])
    assert sum(len(each.labels) for each in await read(decisions, soon)) == labels
    assert sum(len(each.labels) for each in await read(decisions, period)) == labels + 1


async def test_what_came_before_it_happened_is_of_the_time_at_which_it_did(pool: Pool, tenant: str) -> None:
    now = milliseconds(datetime.now(UTC))
    ahead = decided_check(check(tenant, "ahead", event_time=now + timedelta(minutes=4, seconds=50)))
    generation = await pool.fetchval("SELECT generation FROM log_generation")
    ahead = ahead._replace(features=ahead.features._replace(generation=generation))
    await PostgresStore(pool, EventKeys(pool)).commit([ahead])
    since = now + timedelta(minutes=4, seconds=50)
    period = DecidedPeriod(tenant_id=tenant, event_type="payment", since=since, until=since + timedelta(seconds=1))
    assert len(await read(PostgresLabelledDecisions(pool), period)) == 1


def order(tenant: str, report: QualityReport, token: int = 1) -> QualityOrder:
    return QualityOrder(tenant_id=tenant, report_id=report.report_id, token=token, question=report.question)


def asked_now() -> QualityQuestion:
    """Returns what is asked of everything that is stored by now."""
    names = ("rule", "scenario", "model", "merchant_id", "user_new_device")
    return replace(question(group_by=names), stored_before=datetime.now(UTC) + timedelta(seconds=4))


def test_an_order_survives_its_text(tenant: str) -> None:
    asked = order(tenant, quality_report(tenant, question=asked_now()))
    assert quality_order_from_json(json.loads(json.dumps(quality_order_to_json(asked)))) == asked


async def news(runner: ChildQuality, asked: QualityOrder) -> Sequence[QualityNews]:
    return [each async for each in runner.run(asked)]


async def test_a_process_tells_what_a_run_in_memory_does(pool: Pool, tenant: str, fraud_database: Database) -> None:
    history = PaidHistory(tenant, count=600)
    await store(pool, history)
    kept, rows = stored(pool), MemoryQualityRows()
    here = quality_report(tenant, question=asked_now())
    there = await added(kept, here)
    rows.reports[tenant, here.report_id] = here
    run = QualityRun(
        order(tenant, here), decisions=MemoryLabelledDecisions(*await history.stored()),
        attempts=MemoryQualityAttempts(rows), grouping=Grouping(here.question.names, PAYMENT, BUILT_IN_SETS),
        scores=ScoreTable(here.question.review_capacity),
    )  # fmt: skip
    _ = [each async for each in run.run()]
    runner = ChildQuality(fraud_database.dsn)
    told = await news(runner, order(tenant, there))
    assert told[-1].done == told[-1].total == 600
    found = await kept.reads.get(tenant, UUID(there.report_id))
    expected = rows.reports[tenant, here.report_id].result
    assert found is not None and found.result == expected is not None


async def test_a_report_that_was_deleted_is_not_made(pool: Pool, tenant: str, fraud_database: Database) -> None:
    with pytest.raises(TaskFailure, match="was deleted"):
        await news(ChildQuality(fraud_database.dsn), order(tenant, quality_report(tenant)))


async def test_a_store_that_is_away_is_no_fault_of_the_report(tenant: str) -> None:
    runner = ChildQuality("postgresql://nobody:x@127.0.0.1:1/nothing")
    with pytest.raises(MeshError) as caught:
        await news(runner, order(tenant, quality_report(tenant)))
    assert caught.value.reason == "DEPENDENCY_UNAVAILABLE"
