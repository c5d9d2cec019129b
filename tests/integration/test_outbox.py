"""The outbox: what is committed is published in order, when nothing can precede it, and pruned when all have it."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from rampart.fraud.v1 import event_pb2

from console.up.state import State
from meshkit.errors import Kind, MeshError
from meshkit.periodic import Periodic
from meshkit.storage import postgres
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.redis import open_redis
from services.fraud.adapters import outbox_relay as relay_module
from services.fraud.adapters import outbox_rows as rows_module
from services.fraud.adapters.outbox_reader import OutboxReader
from services.fraud.adapters.outbox_relay import OutboxRelay
from services.fraud.adapters.outbox_retention import OutboxRetention
from services.fraud.convert import place_from_proto
from services.fraud.domain.outbox import BEGINNING, OutboxPage, Place
from tests.integration.conftest import FreshDatabase
from tests.support.outbox import OutboxWriter, entries, leader_elected, names, outbox_writer
from tests.support.servers import Database, valkey_server


@pytest.fixture
def database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("fraud")


@pytest.fixture
async def stream(valkey_url: str) -> AsyncIterator[RedisStream]:
    async with open_redis(valkey_url, timeout=3.0) as redis:
        key = f"events:{uuid.uuid4()}"
        yield RedisStream(redis, key)
        await redis.delete(key)


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[OutboxWriter]:
    async with outbox_writer(database) as writer:
        yield writer


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[postgres.Pool]:
    pool = await postgres.open_pool(database.relay_dsn)
    yield pool
    await pool.close()


@pytest.fixture
async def reader(pool: postgres.Pool) -> OutboxReader:
    return OutboxReader(pool)


@pytest.fixture
def own_state() -> Iterator[State]:
    folder = Path(tempfile.mkdtemp(prefix="rampart-test-"))
    yield State.open(folder / "state")
    shutil.rmtree(folder)


@asynccontextmanager
async def running(*relays: OutboxRelay) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


async def published(stream: RedisStream, count: int) -> list[event_pb2.EventBatch]:
    """Waits until the stream has `count` events."""

    async def enough() -> bool:
        return sum(len(batch.events) for batch in await entries(stream)) >= count

    await eventually(enough)
    return await entries(stream)


async def leading(database: Database, stream: RedisStream, writer: OutboxWriter) -> None:
    """Waits until a relay publishes. A relay that finds an empty stream leaves out the rows that are there already."""
    await leader_elected(database)
    await writer.write("first")
    await published(stream, 1)


def in_order(batches: Sequence[event_pb2.EventBatch | OutboxPage]) -> list[str]:
    """Returns the ids of batches that follow each other without a gap."""
    for one, next_one in itertools.pairwise(batches):
        assert next_one.after == one.last
    return [name for batch in batches for name in names(batch)]


async def test_committed_rows_are_published_in_order_and_without_gaps(
    database: Database, stream: RedisStream, writer: OutboxWriter
) -> None:
    relay = OutboxRelay(database.relay_dsn, stream)
    async with running(relay):
        await leader_elected(database)
        for number in range(20):
            await writer.write(f"t{number}")
            relay.notify()
        batches = await published(stream, 20)
    assert in_order(batches) == [f"t{number}" for number in range(20)]
    assert not batches[0].HasField("after")


async def test_a_commit_wakes_an_idle_relay(
    database: Database, stream: RedisStream, writer: OutboxWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "IDLE_SECONDS", 60.0)
    # That is for a relay under load alone.
    monkeypatch.setattr(relay_module, "PACE_SECONDS", 4.0)
    relay = OutboxRelay(database.relay_dsn, stream)
    async with running(relay):
        await leading(database, stream, writer)
        # Idle enough that the next poll is many seconds away.
        await asyncio.sleep(5)
        await writer.write("second")
        relay.notify()
        start = time.perf_counter()
        await published(stream, 2)
        assert time.perf_counter() - start < 2


async def test_rows_are_published_without_being_told(
    database: Database, stream: RedisStream, writer: OutboxWriter
) -> None:
    async with running(OutboxRelay(database.relay_dsn, stream)):
        await leading(database, stream, writer)
        await writer.write("second")
        assert in_order(await published(stream, 2)) == ["first", "second"]


async def test_a_backlog_is_published_in_bounded_entries(
    database: Database, stream: RedisStream, writer: OutboxWriter
) -> None:
    async with running(OutboxRelay(database.relay_dsn, stream)):
        await leading(database, stream, writer)
        await writer.write(*[f"t{number}" for number in range(2_500)])
        batches = await published(stream, 2_501)
    assert [len(batch.events) for batch in batches] == [1, 1000, 1000, 500]
    assert in_order(batches)[1:] == [f"t{number}" for number in range(2_500)]


async def test_a_late_commit_with_a_lower_number_is_not_lost(
    database: Database, stream: RedisStream, reader: OutboxReader, writer: OutboxWriter
) -> None:
    async with running(OutboxRelay(database.relay_dsn, stream)), outbox_writer(database) as other:
        await leading(database, stream, writer)
        async with writer.transaction():
            await writer.insert("slow")
            await other.write("fast")
            await asyncio.sleep(5 * relay_module.PACE_SECONDS)
            assert in_order(await entries(stream)) == ["first"]
            assert names(await reader.read("data")) == ["first"]
        assert in_order(await published(stream, 3)) == ["first", "slow", "fast"]
        assert names(await reader.read("data")) == ["first", "slow", "fast"]


async def test_a_late_commit_with_a_higher_number_and_an_older_transaction_is_not_lost(
    database: Database, stream: RedisStream, writer: OutboxWriter
) -> None:
    async with running(OutboxRelay(database.relay_dsn, stream)), outbox_writer(database) as other:
        await leading(database, stream, writer)
        async with writer.transaction():
            await other.write("fast")
            await writer.insert("slow")
        assert in_order(await published(stream, 3)) == ["first", "slow", "fast"]


async def test_a_row_that_was_rolled_back_is_not_published(
    database: Database, stream: RedisStream, writer: OutboxWriter
) -> None:
    async with running(OutboxRelay(database.relay_dsn, stream)):
        await leader_elected(database)
        with suppress(ZeroDivisionError):
            async with writer.transaction():
                await writer.insert("withdrawn")
                raise ZeroDivisionError
        await writer.write("kept")
        assert in_order(await published(stream, 1)) == ["kept"]


async def test_one_relay_publishes_and_another_takes_over(
    database: Database, stream: RedisStream, writer: OutboxWriter, pool: postgres.Pool
) -> None:
    async with running(*[OutboxRelay(database.relay_dsn, stream) for _ in range(3)]):
        await leader_elected(database)
        for round_number in range(3):
            for number in range(10):
                await writer.write(f"t{round_number}-{number}")
            await published(stream, 10 * (round_number + 1))
            killed = await _end_relay_session(pool)
            assert killed == 1
        await writer.write("last")
        batches = await published(stream, 31)
    expected = [f"t{round_number}-{number}" for round_number in range(3) for number in range(10)]
    assert in_order(batches) == [*expected, "last"]


async def _end_relay_session(pool: postgres.Pool) -> int:
    async with pool.acquire() as connection:
        killed: int = await connection.fetchval(
            "SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
            "WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()"
        )
    return killed


@asynccontextmanager
async def own_valkey(state: State) -> AsyncIterator[str]:
    """Runs a Valkey that a test may stop. Its helper has an event loop of its own, hence the thread."""
    with ExitStack() as stack:
        yield await asyncio.to_thread(stack.enter_context, valkey_server(state))
        await asyncio.to_thread(stack.close)


async def test_a_relay_waits_for_a_stream_that_is_away(
    database: Database, writer: OutboxWriter, own_state: State
) -> None:
    async with AsyncExitStack() as stack:
        async with own_valkey(own_state) as url:
            redis = await stack.enter_async_context(open_redis(url, timeout=1.0))
            stream = RedisStream(redis, "events")
            await stack.enter_async_context(running(OutboxRelay(database.relay_dsn, stream)))
            await leading(database, stream, writer)
        await writer.write("while away")
        with pytest.raises(MeshError):
            await stream.check()
        await asyncio.sleep(0.5)
        async with own_valkey(own_state):
            await writer.write("after")
            assert in_order(await published(stream, 3)) == ["first", "while away", "after"]


async def test_a_relay_goes_on_after_a_stream_was_emptied(
    database: Database, stream: RedisStream, valkey_url: str, writer: OutboxWriter
) -> None:
    async with running(OutboxRelay(database.relay_dsn, stream)):
        await leading(database, stream, writer)
        async with open_redis(valkey_url) as redis:
            await redis.delete(stream.key)
        await writer.write("second")
        assert in_order(await published(stream, 1)) == ["second"]


async def test_a_new_relay_starts_an_empty_stream_at_the_newest_row(
    database: Database, stream: RedisStream, reader: OutboxReader, writer: OutboxWriter
) -> None:
    await writer.write("old")
    place = (await reader.read("data")).last
    async with running(OutboxRelay(database.relay_dsn, stream)):
        await leader_elected(database)
        await writer.write("new")
        (batch,) = await published(stream, 1)
    assert names(batch) == ["new"]
    assert place_from_proto(batch.after) == place


async def test_a_new_relay_goes_on_after_the_last_entry(
    database: Database, stream: RedisStream, writer: OutboxWriter
) -> None:
    async with running(OutboxRelay(database.relay_dsn, stream)):
        await leading(database, stream, writer)
    await writer.write("while nobody publishes")
    async with running(OutboxRelay(database.relay_dsn, stream)):
        assert in_order(await published(stream, 2)) == ["first", "while nobody publishes"]


@pytest.mark.parametrize(
    "left_over",
    [
        pytest.param(event_pb2.EventBatch(last=event_pb2.OutboxPosition(xid=1 << 62, seq=1)), id="another database"),
        pytest.param(None, id="not ours"),
    ],
)
async def test_a_stream_that_is_of_no_use_is_not_followed(
    database: Database, stream: RedisStream, writer: OutboxWriter, left_over: event_pb2.EventBatch | None
) -> None:
    await stream.append(b"\xff\xff" if left_over is None else left_over.SerializeToString())
    async with running(OutboxRelay(database.relay_dsn, stream)):
        await leader_elected(database)
        await writer.write("new")

        async def is_there() -> bool:
            entry = await stream.last()
            return entry is not None and entry.data.find(b"new") > 0

        await eventually(is_there)


async def test_a_relay_does_not_spin_while_nothing_can_be_published(
    database: Database, stream: RedisStream, writer: OutboxWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read_rows = rows_module.read_rows

    async def counted(*arguments: object) -> object:
        nonlocal reads
        reads += 1
        return await read_rows(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(relay_module, "read_rows", counted)
    relay = OutboxRelay(database.relay_dsn, stream)
    async with running(relay), outbox_writer(database) as other:
        await leading(database, stream, writer)
        async with writer.transaction():
            await other.write("held back")
            reads, start = 0, time.perf_counter()
            for _ in range(100):
                relay.notify()
                await asyncio.sleep(0.01)
            assert reads <= 2 + (time.perf_counter() - start) / relay_module.PACE_SECONDS
        await published(stream, 2)
        await asyncio.sleep(1.5)
        reads, start = 0, time.perf_counter()
        await asyncio.sleep(1.5)
        assert reads <= 2 + (time.perf_counter() - start) / relay_module.IDLE_SECONDS


async def test_the_lag_is_the_age_of_the_oldest_unpublished_row(
    database: Database, stream: RedisStream, writer: OutboxWriter
) -> None:
    async with running(OutboxRelay(database.relay_dsn, stream)), outbox_writer(database) as other:
        await leading(database, stream, writer)
        async with writer.transaction():
            await other.write("held back")
            await asyncio.sleep(1.2)
            assert 1.0 < _lag() < 20
        await published(stream, 2)
        await asyncio.sleep(0.3)
        assert _lag() == 0


def _lag() -> float:
    ((sample,),) = [metric.samples for metric in relay_module._lag.collect()]
    return sample.value


async def test_a_stream_keeps_a_bounded_number_of_entries(valkey_url: str) -> None:
    async with open_redis(valkey_url) as redis:
        stream = RedisStream(redis, f"events:{uuid.uuid4()}", max_entries=10)
        for number in range(500):
            await stream.append(b"x" * 5_000 + str(number).encode())
        assert await redis.xlen(stream.key) < 50
        last = await stream.last()
        assert last is not None and last.data.endswith(b"499")
        await redis.delete(stream.key)


async def test_reading_pages_through_the_outbox(reader: OutboxReader, writer: OutboxWriter) -> None:
    await writer.write("a", "b", "c")
    await writer.write("d", "e")
    found: list[OutboxPage] = []
    after = BEGINNING
    while not found or found[-1].events:
        found.append(await reader.read("data", after, 2))
        after = found[-1].last
    assert [names(batch) for batch in found] == [["a", "b"], ["c", "d"], ["e"], []]
    assert found[-1].after == found[-1].last
    assert in_order(found) == ["a", "b", "c", "d", "e"]


async def test_an_acknowledgement_never_goes_back(
    reader: OutboxReader, writer: OutboxWriter, pool: postgres.Pool
) -> None:
    await writer.write("a", "b")
    last = (await reader.read("data")).last
    await reader.read("data", last)
    await reader.read("data", Place(1, 1))
    async with pool.acquire() as connection:
        (row,) = await connection.fetch("SELECT xid, seq FROM outbox_consumers")
    assert tuple(row) == (last.xid, last.seq)


async def test_a_reader_without_its_store_is_unavailable(tmp_path: Path) -> None:
    pool = await postgres.open_pool(f"postgresql://rampart_fraud_relay@/rampart_fraud?host={tmp_path}")
    with pytest.raises(MeshError) as raised:
        await OutboxReader(pool).read("data")
    assert raised.value.kind is Kind.UNAVAILABLE
    await pool.close()


class TestRetention:
    """Rows go when they are old and everybody has them; never otherwise."""

    async def test_old_rows_that_every_consumer_acknowledged_are_deleted(
        self, database: Database, reader: OutboxReader, writer: OutboxWriter, pool: postgres.Pool
    ) -> None:
        await writer.write("a", "b")
        await self._make_old(database)
        last = (await reader.read("data")).last
        await reader.read("data", last)
        await writer.write("young")
        assert await OutboxRetention(pool, 72).prune() == 2
        assert names(await reader.read("data", last)) == ["young"]

    async def test_young_rows_stay(self, reader: OutboxReader, writer: OutboxWriter, pool: postgres.Pool) -> None:
        await writer.write("a")
        await reader.read("data", (await reader.read("data")).last)
        assert await OutboxRetention(pool, 72).prune() == 0

    async def test_rows_stay_while_no_consumer_is_known(
        self, database: Database, writer: OutboxWriter, pool: postgres.Pool
    ) -> None:
        await writer.write("a")
        await self._make_old(database)
        assert await OutboxRetention(pool, 72).prune() == 0

    async def test_rows_stay_until_the_slowest_consumer_has_them(
        self, database: Database, reader: OutboxReader, writer: OutboxWriter, pool: postgres.Pool
    ) -> None:
        for name in "abc":
            await writer.write(name)
        await self._make_old(database)
        first = (await reader.read("slow", BEGINNING, 1)).last
        await reader.read("slow", first)
        await reader.read("data", (await reader.read("data")).last)
        assert await OutboxRetention(pool, 72).prune() == 1
        assert names(await reader.read("slow", first)) == ["b", "c"]

    async def test_the_task_prunes_chunk_after_chunk(
        self, database: Database, reader: OutboxReader, writer: OutboxWriter, pool: postgres.Pool
    ) -> None:
        for _ in range(3):
            await writer.write(*[f"t{number}" for number in range(1_500)])
        await self._make_old(database)
        await reader.read("data", (await reader.read("data", BEGINNING, 5_000)).last)
        task = asyncio.create_task(Periodic("retention", OutboxRetention(pool, 72).prune, interval=60).run())

        async def empty() -> bool:
            async with pool.acquire() as connection:
                return not await connection.fetchval("SELECT count(*) FROM outbox")

        await eventually(empty)
        task.cancel()

    async def _make_old(self, database: Database) -> None:
        # Row-level security is forced on the owner as well, so only a superuser can make rows old.
        superuser = await asyncpg.connect(database.server.dsn(database.name, "postgres"), timeout=5)
        await superuser.execute("UPDATE outbox SET created_at = now() - interval '73 hours'")
        await superuser.close()


async def test_the_service_neither_reads_nor_writes_the_outbox_of_another_tenant(
    database: Database, writer: OutboxWriter
) -> None:
    await writer.write("a")
    session = await asyncpg.connect(database.dsn, timeout=5)
    assert await session.fetch("SELECT * FROM outbox") == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await session.execute("INSERT INTO outbox (tenant_id, payload) VALUES ($1, '')", uuid.uuid4())
    await session.close()


async def test_the_relay_sees_the_outbox_and_nothing_else(database: Database, writer: OutboxWriter) -> None:
    await writer.write("a")
    session = await asyncpg.connect(database.relay_dsn, timeout=5)
    assert await session.fetchval("SELECT count(*) FROM outbox") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await session.fetch("SELECT * FROM decisions")
    await session.close()
