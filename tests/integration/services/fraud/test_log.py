"""The log of decisions and its twin in memory: one order, each tenant to itself, and nothing lost in silence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from rampart.fraud.v1 import decision_pb2

from meshkit.errors import Kind, MeshError
from meshkit.ids import uuid7_text
from meshkit.storage.postgres import Pool, open_pool
from services.fraud.adapters import postgres_log, postgres_store
from services.fraud.adapters.memory_log import MemoryLog
from services.fraud.adapters.outbox_reader import OutboxReader
from services.fraud.adapters.outbox_retention import OutboxRetention
from services.fraud.adapters.postgres_log import PostgresLog
from services.fraud.domain.check import Decided
from services.fraud.domain.outbox import BEGINNING, Place
from services.fraud.ports import DecisionLog, LogPage
from tests.integration.conftest import FreshDatabase
from tests.support.fraud import check, decided, new_tenant, record
from tests.support.readers import store_of
from tests.support.servers import Database


@dataclass(frozen=True)
class Subject:
    """A log, and the ways in which others change what it holds."""

    log: DecisionLog
    commit: Callable[[Sequence[Decided]], Awaitable[Any]]
    prune: Callable[[], Awaitable[Place]]
    """Forgets everything there is, and returns the last place that was forgotten."""


@pytest.fixture
def own_database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("fraud")


async def prune_all(database: Database) -> Place:
    # Row-level security is forced on the owner as well, so only a superuser can make rows old.
    superuser = await asyncpg.connect(database.server.dsn(database.name, "postgres"), timeout=5)
    await superuser.execute("UPDATE outbox SET created_at = now() - interval '73 hours'")
    await superuser.close()
    pool = await open_pool(database.relay_dsn, size=1)
    reader = OutboxReader(pool)
    last = (await reader.read("data")).last
    await reader.read("data", last)
    assert await OutboxRetention(pool, 72).prune() > 0
    await pool.close()
    return last


@pytest.fixture(params=["memory", "postgres"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    if request.param == "memory":
        memory = MemoryLog()

        async def commit(made: Sequence[Decided]) -> None:
            memory.commit(made)

        async def prune() -> Place:
            last = memory._rows[-1].place
            memory.prune(last)
            return last

        yield Subject(memory, commit, prune)
        return
    database: Database = request.getfixturevalue("own_database")
    pool = await open_pool(database.dsn)
    yield Subject(PostgresLog(pool), store_of(pool).commit, lambda: prune_all(database))
    await pool.close()


def some(tenant: str, *names: str) -> list[Decided]:
    return [decided(check(tenant, name)) for name in names]


def names(page: LogPage) -> list[str]:
    return [decision_pb2.Decision.FromString(row.answer).transaction_id for row in page.rows]


async def test_decisions_follow_in_the_order_of_their_commits(subject: Subject, tenant: str) -> None:
    start = await subject.log.newest()
    for number in range(5):
        await subject.commit(some(tenant, f"{number}-a", f"{number}-b"))
    async with asyncio.timeout(30):
        # What others have begun before holds up what is read.
        while not names(page := await subject.log.read([tenant], start, 100)):
            await asyncio.sleep(0.05)
    assert names(page) == [f"{number}-{letter}" for number in range(5) for letter in "ab"]
    assert [row.place for row in page.rows] == sorted({row.place for row in page.rows})
    assert page.reached >= page.rows[-1].place
    assert not page.more


async def test_row_has_what_selections_look_at_and_the_answer_byte_for_byte(subject: Subject, tenant: str) -> None:
    start = await subject.log.newest()
    (made,) = some(tenant, "t-1")
    await subject.commit([made])
    (row,) = (await subject.log.read([tenant], start, 10)).rows
    assert (row.tenant_id, row.user_id, row.outcome) == (tenant, "u1", made.verdict.outcome)
    assert (row.score, row.answer) == (made.verdict.score, record(made).answer)


async def test_newest_place_follows_what_was_committed_and_precedes_what_will_be(subject: Subject, tenant: str) -> None:
    await subject.commit(some(tenant, "before"))
    place = await subject.log.newest()
    assert names(await subject.log.read([tenant], place, 10)) == []
    await subject.commit(some(tenant, "after"))
    assert names(await subject.log.read([tenant], place, 10)) == ["after"]


async def test_pages_have_no_gap_and_repeat_nothing(subject: Subject, tenant: str) -> None:
    place = await subject.log.newest()
    for number in range(7):
        await subject.commit(some(tenant, f"{number}-a", f"{number}-b"))
    found: list[str] = []
    page = await subject.log.read([tenant], place, 3)
    while page.rows:
        assert page.more == (len(page.rows) == 3)
        found += names(page)
        page = await subject.log.read([tenant], page.reached, 3)
    assert found == [f"{number}-{letter}" for number in range(7) for letter in "ab"]


async def test_nothing_precedes_what_was_reached(subject: Subject, tenant: str) -> None:
    place = await subject.log.newest()
    for number in range(10):
        place = (await subject.log.read([tenant], place, 100)).reached
        await subject.commit(some(tenant, str(number)))
        page = await subject.log.read([tenant], place, 100)
        assert names(page) == [str(number)]
        place = page.reached


async def test_only_the_tenants_asked_for_are_read(subject: Subject) -> None:
    start = await subject.log.newest()
    one, two, three = new_tenant(), new_tenant(), new_tenant()
    for tenant in (one, two, three):
        await subject.commit(some(tenant, tenant))
    assert names(await subject.log.read([one], start, 10)) == [one]
    assert names(await subject.log.read([one, three], start, 10)) == [one, three]
    assert names(await subject.log.read([new_tenant()], start, 10)) == []
    assert names(await subject.log.read([], start, 10)) == []


async def test_place_whose_followers_were_pruned_is_lost(subject: Subject, tenant: str) -> None:
    start = await subject.log.newest()
    await subject.commit(some(tenant, "a", "b"))
    last = await subject.prune()
    await subject.commit(some(tenant, "c"))
    for place in (start, BEGINNING, Place(last.xid, last.seq - 1)):
        with pytest.raises(MeshError) as caught:
            await subject.log.read([tenant], place, 10)
        assert (caught.value.kind, caught.value.reason) == (Kind.OUT_OF_RANGE, "STREAM_POSITION_LOST")
    assert names(await subject.log.read([tenant], last, 10)) == ["c"]


async def test_place_of_another_database_is_lost(subject: Subject, tenant: str) -> None:
    with pytest.raises(MeshError) as caught:
        await subject.log.read([tenant], Place((1 << 63) - 1, 0), 10)
    assert caught.value.reason == "STREAM_POSITION_LOST"


class TestPostgres:
    """What only the real log must withstand."""

    @pytest.fixture
    async def log(self, pool: Pool) -> PostgresLog:
        return PostgresLog(pool)

    async def test_late_commit_is_waited_for_and_not_stepped_over(
        self, log: PostgresLog, fraud_database: Database, pool: Pool, tenant: str
    ) -> None:
        start = await log.newest()
        session = await asyncpg.connect(fraud_database.dsn, timeout=5)
        async with session.transaction():
            (made,) = some(tenant, "began first, ended last")
            store = store_of(pool)
            columns = [[value] for value in store._values(made, record(made), await store._keys.secret())]
            await session.fetchval(postgres_store._RECORD, tenant, *columns)
            await store_of(pool).commit(some(tenant, "fast"))
            held_back = await log.read([tenant], start, 10)
            assert names(held_back) == []
        await session.close(timeout=5)
        page = await log.read([tenant], held_back.reached, 10)
        assert names(page) == ["began first, ended last", "fast"]

    async def test_commits_and_reads_at_once_lose_nothing_and_repeat_nothing(
        self, log: PostgresLog, pool: Pool, tenant: str
    ) -> None:
        place, found, store = await log.newest(), list[str](), store_of(pool)

        async def write(writer: int) -> None:
            for number in range(30):
                await store.commit(some(tenant, f"{writer}-{number}"))

        writing = asyncio.gather(*(write(writer) for writer in range(4)))
        async with asyncio.timeout(60):
            while len(found) < 120:
                page = await log.read([tenant], place, 7)
                place, found = page.reached, found + names(page)
        await writing
        assert names(await log.read([tenant], place, 10)) == []
        assert len(found) == len(set(found)) == 120
        for writer in range(4):
            mine = [name for name in found if name.startswith(f"{writer}-")]
            assert mine == [f"{writer}-{number}" for number in range(30)]

    async def test_long_way_is_read_in_steps(
        self, log: PostgresLog, pool: Pool, tenant: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres_log, "SPAN", 4)
        place, store = await log.newest(), store_of(pool)
        await store.commit(some(tenant, "first"))
        for _ in range(20):
            await store.commit(some(new_tenant(), uuid7_text()))
        await store.commit(some(tenant, "last"))
        found: list[str] = []
        steps, more = 0, True
        while more:
            page = await log.read([tenant], place, 10)
            place, more, steps = page.reached, page.more, steps + 1
            found += names(page)
        assert found == ["first", "last"]
        assert steps >= 5

    async def test_log_without_its_store_is_unavailable(self, tenant: str, tmp_path: Path) -> None:
        pool = await open_pool(f"postgresql://rampart_fraud_service@/rampart_fraud?host={tmp_path}")
        log = PostgresLog(pool)
        for call in (log.newest(), log.read([tenant], BEGINNING, 1)):
            with pytest.raises(MeshError) as caught:
                await call
            assert caught.value.kind is Kind.UNAVAILABLE
        await pool.close()
