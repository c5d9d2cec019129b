"""The ledger follows the decisions exactly once in effect, whatever happens to the stream, to fraud or to itself."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from meshkit.following import consumer as consumer_module
from meshkit.following.consumer import Consumer
from meshkit.following.decisions import StreamedBatches
from meshkit.storage import postgres
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.leader import Leader
from meshkit.storage.redis import open_redis
from meshkit.telemetry.admin import NotReadyError
from services.data.adapters.postgres_desk import PostgresDesk
from services.data.adapters.postgres_writer import PostgresLedgerWriter
from services.data.convert import transaction_from_event
from services.data.domain.ledger import LedgerState, Transaction
from services.data.ports import LedgerWriter
from services.data.service.following import LEDGER_WATCH
from services.data.service.rebuilding import Rebuilder
from services.fraud.adapters.decided_events import DecidedEvents
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.outbox_reader import OutboxReader
from services.fraud.adapters.outbox_relay import OutboxRelay
from services.fraud.adapters.outbox_retention import OutboxRetention
from services.fraud.adapters.postgres_retention import PostgresOldDecisions
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.convert import page_to_proto
from services.fraud.domain.outbox import BEGINNING
from tests.integration.conftest import FreshDatabase
from tests.support.fraud import check, decided, new_tenant
from tests.support.outbox import (
    TENANT,
    DirectDecisions,
    DirectOutbox,
    OutboxWriter,
    event,
    leader_elected,
    outbox_writer,
)
from tests.support.servers import Database


@dataclass
class Mesh:
    """A fraud service's outbox and a data service's ledger, with what runs between them."""

    fraud: Database
    data: Database
    stream: RedisStream
    outbox: DirectOutbox[Transaction]
    decisions: DirectDecisions[Transaction]
    writer: OutboxWriter
    reader: OutboxReader
    superuser: Any
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, work: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self.tasks.append(task)
        return task

    async def start_relay(self) -> OutboxRelay:
        relay = OutboxRelay(self.fraud.relay_dsn, self.stream)
        self.start(relay.run())
        await leader_elected(self.fraud)
        return relay

    def consumer(self, stream: RedisStream | None = None) -> Consumer[Transaction, LedgerWriter]:
        batches = StreamedBatches(stream or self.stream, transaction_from_event)
        return Consumer(batches, self.outbox, Rebuilder(self.decisions), LEDGER_WATCH)

    def start_consumer(self, stream: RedisStream | None = None) -> asyncio.Task[None]:
        consumer = self.consumer(stream)
        return self.start(Leader(self.data.dsn, "ledger", lambda s: consumer.follow(PostgresLedgerWriter(s))).run())

    async def ledger(self) -> list[str]:
        rows = await self.superuser.fetch("SELECT transaction_id FROM transactions ORDER BY transaction_id")
        return [row[0] for row in rows]

    async def total(self) -> int:
        count: int = await self.superuser.fetchval("SELECT coalesce(sum(count), 0)::bigint FROM daily_totals")
        return count

    async def follows(self, *names: str, seconds: float = 5.0) -> None:
        """Waits until the ledger has exactly these transactions, each counted once."""
        await eventually(lambda: self._has(sorted(names)), seconds)
        assert await self.total() == len(names)

    async def _has(self, names: list[str]) -> bool:
        found = await self.ledger()
        assert set(found) <= set(names)
        return found == names

    async def batches(self, *sizes: int) -> list[bytes]:
        """Returns the whole outbox in entries of these sizes."""
        after, found = BEGINNING, []
        for size in sizes:
            batch = await self.reader.read("test", after, size)
            found.append(page_to_proto(batch).SerializeToString())
            after = batch.last
        return found


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(fraud: Database, data: Database, valkey_url: str) -> AsyncIterator[Mesh]:
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(valkey_url, timeout=3.0))
        pool = await postgres.open_pool(fraud.relay_dsn)
        stack.push_async_callback(pool.close)
        superuser = await asyncpg.connect(data.server.dsn(data.name, "postgres"), timeout=5)
        stack.push_async_callback(superuser.close)
        reader = OutboxReader(pool)
        writer = await stack.enter_async_context(outbox_writer(fraud))
        stream = RedisStream(redis, f"events:{uuid.uuid4()}")
        service = await postgres.open_pool(fraud.dsn)
        stack.push_async_callback(service.close)
        cleaner = await postgres.open_pool(fraud.server.dsn(fraud.name, "rampart_fraud_cleaner"))
        stack.push_async_callback(cleaner.close)
        decided = DecidedEvents(relay=pool, service=service, tenants=PostgresOldDecisions(cleaner, 400))
        outbox = DirectOutbox(reader, transaction_from_event)
        decisions = DirectDecisions(decided, transaction_from_event)
        mesh = Mesh(fraud, data, stream, outbox, decisions, writer, reader, superuser)
        yield mesh
        for task in mesh.tasks:
            task.cancel()
        await asyncio.gather(*mesh.tasks, return_exceptions=True)
        await redis.delete(stream.key)


@pytest.fixture
def databases_of_test(fresh_database: FreshDatabase) -> tuple[Database, Database]:
    return fresh_database("fraud"), fresh_database("data")


@pytest.fixture
async def mesh(databases_of_test: tuple[Database, Database], valkey_url: str) -> AsyncIterator[Mesh]:
    async with opened(*databases_of_test, valkey_url) as mesh:
        yield mesh


def count_of(metric: Any) -> float:
    value: float = metric._value.get()
    return value


async def test_the_ledger_follows_the_stream_alone(mesh: Mesh) -> None:
    mesh.outbox.away = True
    await mesh.start_relay()
    mesh.start_consumer()
    await mesh.writer.write("a", "b")
    await mesh.writer.write("c")
    await mesh.follows("a", "b", "c")


async def test_the_ledger_follows_without_any_stream(mesh: Mesh, tmp_path: Path) -> None:
    async with open_redis(f"unix://{tmp_path}/nobody", timeout=2.0) as redis:
        mesh.start_consumer(RedisStream(redis, "events"))
        await mesh.writer.write("a")
        await mesh.follows("a")
        await mesh.writer.write("b")
        await mesh.follows("a", "b")


async def test_the_ledger_follows_when_nothing_is_published(mesh: Mesh) -> None:
    mesh.start_consumer()
    await mesh.writer.write("a")
    await mesh.follows("a")


async def test_what_the_stream_lost_is_read_from_the_outbox(mesh: Mesh) -> None:
    await mesh.writer.write(*"abcdef")
    first, _, third = await mesh.batches(2, 2, 2)
    gaps = count_of(LEDGER_WATCH.gaps)
    await mesh.stream.append(first)
    await mesh.stream.append(third)
    mesh.start_consumer()
    await mesh.follows(*"abcdef")
    assert count_of(LEDGER_WATCH.gaps) == gaps + 1


async def test_a_gap_waits_for_a_fraud_service_that_is_away(mesh: Mesh) -> None:
    await mesh.writer.write(*"abcd")
    first, _, third = await mesh.batches(1, 2, 1)
    mesh.outbox.away = True
    await mesh.stream.append(first)
    await mesh.stream.append(third)
    mesh.start_consumer()
    await mesh.follows("a")
    await asyncio.sleep(1.5)
    assert await mesh.ledger() == ["a"]
    mesh.outbox.away = False
    await mesh.follows(*"abcd")


@pytest.mark.parametrize("seed", range(5))
async def test_repeated_and_reordered_entries_count_once(mesh: Mesh, seed: int) -> None:
    names = [f"t{number:02}" for number in range(30)]
    for name in names:
        await mesh.writer.write(name)
    shuffled = [*await mesh.batches(*[3] * 10), *await mesh.batches(*[7] * 5)] * 2
    random.Random(seed).shuffle(shuffled)
    for entry in shuffled:
        await mesh.stream.append(entry)
    mesh.start_consumer()
    await mesh.follows(*names)


async def test_a_late_commit_reaches_the_ledger(mesh: Mesh) -> None:
    await mesh.start_relay()
    mesh.start_consumer()
    await mesh.writer.write("first")
    await mesh.follows("first")
    async with outbox_writer(mesh.fraud) as other:
        async with mesh.writer.transaction():
            await mesh.writer.insert("slow")
            await other.write("fast")
            await asyncio.sleep(1.5)
            assert await mesh.ledger() == ["first"]
        await mesh.follows("first", "slow", "fast")


async def test_an_emptied_stream_is_followed_again_even_if_its_ids_start_anew(mesh: Mesh, valkey_url: str) -> None:
    mesh.start_consumer()
    await mesh.writer.write("a")
    await mesh.stream.append((await mesh.batches(1))[0])
    await mesh.follows("a")
    async with open_redis(valkey_url) as redis:
        await redis.delete(mesh.stream.key)
        await mesh.writer.write("b")
        _, second = await mesh.batches(1, 1)
        await redis.xadd(mesh.stream.key, {b"data": second}, id="1-1")
        await mesh.follows("a", "b")
        mesh.outbox.away = True
        await mesh.writer.write("c")
        _, _, third = await mesh.batches(1, 1, 1)
        await redis.xadd(mesh.stream.key, {b"data": third}, id="2-1")
        await mesh.follows("a", "b", "c")


async def test_an_entry_that_is_not_ours_is_skipped(mesh: Mesh, valkey_url: str) -> None:
    await mesh.writer.write("a")
    await mesh.stream.append(b"\xff\xff\xff")
    async with open_redis(valkey_url) as redis:
        await redis.xadd(mesh.stream.key, {b"other": b"field"})
    gaps = count_of(LEDGER_WATCH.gaps)
    mesh.start_consumer()
    await mesh.follows("a")
    assert count_of(LEDGER_WATCH.gaps) > gaps


async def test_poison_is_put_aside_and_the_rest_flows(mesh: Mesh) -> None:
    await mesh.start_relay()
    mesh.start_consumer()
    unknown_outcome = event("strange", outcome="perhaps").SerializeToString()
    untimed = event("untimed")
    untimed.ClearField("event_time")
    await mesh.writer.write("a")
    await mesh.writer.write_payloads([b"\xff\x00", event("b").SerializeToString(), unknown_outcome])
    await mesh.writer.write_payloads([untimed.SerializeToString(), event("c", tenant_id="acme").SerializeToString()])
    await mesh.writer.write("d")
    await mesh.follows("a", "b", "d")
    payloads = await mesh.superuser.fetch("SELECT payload FROM dead_letters")
    assert {bytes(row[0]) for row in payloads} >= {b"\xff\x00", unknown_outcome, untimed.SerializeToString()}
    assert len(payloads) == 4


async def test_a_killed_consumer_loses_and_doubles_nothing(mesh: Mesh) -> None:
    relay = await mesh.start_relay()
    mesh.start_consumer()
    names = [f"t{number:04}" for number in range(1_000)]
    for start in range(0, 1_000, 20):
        await mesh.writer.write(*names[start : start + 20])
        relay.notify()
        if start % 100 == 0:
            await mesh.superuser.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'rampart ledger' AND datname = current_database()"
            )
        await asyncio.sleep(0.02)
    await mesh.follows(*names, seconds=10)


async def test_a_second_consumer_takes_over(mesh: Mesh) -> None:
    await mesh.start_relay()
    first = mesh.start_consumer()
    await mesh.writer.write("a")
    await mesh.follows("a")
    mesh.start_consumer()
    await mesh.writer.write("b")
    await mesh.follows("a", "b")
    first.cancel()
    await mesh.writer.write("c")
    await mesh.follows("a", "b", "c")


async def test_two_consumers_that_both_believe_to_lead_count_once(mesh: Mesh) -> None:
    await mesh.start_relay()
    sessions = [await asyncpg.connect(mesh.data.dsn, timeout=5) for _ in range(2)]
    for session in sessions:
        mesh.start(mesh.consumer().follow(PostgresLedgerWriter(session)))
    names = [f"t{number:03}" for number in range(300)]
    for name in names:
        await mesh.writer.write(name)
    await mesh.follows(*names, seconds=10)
    for task in mesh.tasks:
        task.cancel()
    await asyncio.gather(*mesh.tasks, return_exceptions=True)
    for session in sessions:
        session.terminate()


async def test_a_busy_stream_is_acknowledged_to_the_outbox(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "ACKNOWLEDGE_SECONDS", 0.2)
    await mesh.start_relay()
    mesh.start_consumer()
    for number in range(60):
        await mesh.writer.write(f"t{number:02}")
        await asyncio.sleep(0.05)
    counts = Counter(mesh.outbox.asked)
    assert len(counts) > 5
    await mesh.follows(*[f"t{number:02}" for number in range(60)])
    await eventually(self_acknowledged(mesh), 3)


def self_acknowledged(mesh: Mesh) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        last = (await mesh.reader.read("test", BEGINNING, 100)).last
        return bool(mesh.outbox.asked) and mesh.outbox.asked[-1] == (last.xid, last.seq)

    return holds


async def test_the_ledger_catches_up_with_a_long_outbox(mesh: Mesh) -> None:
    names = [f"t{number:05}" for number in range(6_000)]
    for start in range(0, 6_000, 2_000):
        await mesh.writer.write(*names[start : start + 2_000])
    mesh.start_consumer()
    await mesh.follows(*names, seconds=15)


async def test_the_ledger_shows_what_the_event_says(mesh: Mesh) -> None:
    await mesh.start_relay()
    mesh.start_consumer()
    sent = event("a", amount_minor=100_005, currency_digits=3, currency="KWD", outcome="decline")
    sent.confidence_score = 0.87
    await mesh.writer.write_payloads([sent.SerializeToString()])
    await mesh.follows("a")
    row = await mesh.superuser.fetchrow("SELECT * FROM transactions")
    assert (str(row["tenant_id"]), str(row["decision_id"])) == (TENANT, sent.decision_id)
    assert (str(row["amount"]), row["currency"], row["outcome"]) == ("100.005", "KWD", "decline")
    assert row["confidence_score"] == 0.87
    assert row["event_time"].timestamp() == pytest.approx(sent.event_time.ToNanoseconds() / 1e9, abs=2e-6)


TABLES = ("transactions", "daily_totals", "positions")
NEWEST = "(xid, seq) = (SELECT xid, seq FROM outbox ORDER BY xid DESC, seq DESC LIMIT 1)"


@dataclass
class Restored:
    """A ledger with a backup of an earlier time, and a fraud service with decisions of several tenants."""

    mesh: Mesh
    fraud: Any
    store: PostgresStore
    desk: PostgresDesk
    tenants: list[str] = field(default_factory=lambda: sorted(new_tenant() for _ in range(3)))
    names: list[str] = field(default_factory=list)

    async def decide(self, count: int) -> None:
        for number in range(count):
            name = f"t{len(self.names):03}"
            amount = 100 + 7 * number
            await self.store.commit([decided(check(self.tenants[number % 3], name, amount_minor=amount))])
            self.names.append(name)

    async def back_up(self) -> None:
        for table in TABLES:
            await self.mesh.superuser.execute(f"CREATE TABLE saved_{table} AS TABLE {table}")

    async def restore(self) -> None:
        for table in TABLES:
            await self.mesh.superuser.execute(f"TRUNCATE {table}; INSERT INTO {table} TABLE saved_{table}")

    async def prune(self) -> None:
        await self.fraud.execute("UPDATE outbox SET created_at = created_at - interval '99 days'")
        pool = await postgres.open_pool(self.mesh.fraud.relay_dsn)
        try:
            while await OutboxRetention(pool, 72).prune():
                pass
        finally:
            await pool.close()

    async def acknowledged(self) -> None:
        """Waits until the ledger, which has nothing to do, has told that it has everything."""

        async def told() -> bool:
            found = await self.fraud.fetchval(
                f"SELECT count(*) FROM outbox_consumers WHERE consumer = 'data' AND {NEWEST}"
            )
            return bool(found)

        await eventually(told, 10)

    async def stop(self) -> None:
        for task in self.mesh.tasks:
            task.cancel()
        await asyncio.gather(*self.mesh.tasks, return_exceptions=True)
        self.mesh.tasks.clear()

    async def lost(self, why: str) -> None:
        async def told() -> bool:
            return why in (await self.desk.state()).lost

        await eventually(told, 10)
        with pytest.raises(NotReadyError, match="needs `rampart ledger rebuild`"):
            await self.desk.check()

    async def rebuilt(self) -> None:
        """Waits until the rebuild has ended and the ledger holds exactly what the fraud service does."""

        async def following() -> bool:
            return await self.desk.state() == LedgerState()

        await eventually(following, 20)
        await self.mesh.follows(*self.names, seconds=10)
        ledger = await self.mesh.superuser.fetch(
            "SELECT tenant_id, currency, outcome, sum(count)::bigint, sum(amount) FROM daily_totals "
            "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
        decisions = await self.fraud.fetch(
            "SELECT tenant_id, amount->>1, outcome, count(*), sum((amount->>0)::bigint)::numeric / 100 FROM decisions "
            "CROSS JOIN LATERAL (SELECT convert_from(event, 'UTF8')::json->'amount' AS amount) AS fields "
            "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
        assert [tuple(row.values()) for row in ledger] == [tuple(row.values()) for row in decisions]


@pytest.fixture
async def restored(mesh: Mesh, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Restored]:
    for wait in ("STREAM_WAIT", "RETRY_SECONDS", "RECOVERY_CHECK_SECONDS"):
        monkeypatch.setattr(consumer_module, wait, 0.1)
    fraud = await asyncpg.connect(mesh.fraud.server.dsn(mesh.fraud.name), timeout=5)
    pools = [await postgres.open_pool(mesh.fraud.dsn), await postgres.open_pool(mesh.data.dsn)]
    restored = Restored(mesh, fraud, PostgresStore(pools[0], EventKeys(pools[0])), PostgresDesk(pools[1]))
    await restored.decide(5)
    mesh.start_consumer()
    await mesh.follows(*restored.names)
    yield restored
    await restored.stop()
    for pool in pools:
        await pool.close()
    await fraud.close(timeout=5)


async def test_ledger_restored_from_before_what_was_pruned_stops_and_is_rebuilt_to_the_same_totals(
    restored: Restored,
) -> None:
    await restored.back_up()
    before = list(restored.names)
    await restored.decide(20)
    await restored.mesh.follows(*restored.names)
    await restored.acknowledged()
    await restored.stop()
    await restored.prune()
    await restored.restore()
    await restored.decide(4)
    restored.mesh.decisions.most = 3
    await restored.mesh.start_relay()
    restored.mesh.start_consumer()
    await restored.lost("kept no longer")
    assert await restored.mesh.ledger() == before, "nothing is entered beyond a gap"
    await restored.desk.ask_rebuild()
    # New ones arrive while the old ones are read.
    await restored.decide(6)
    await restored.rebuilt()
    await restored.decide(2)
    await restored.mesh.follows(*restored.names)


async def test_rebuild_that_is_interrupted_goes_on_where_it_was(restored: Restored) -> None:
    await restored.decide(20)
    await restored.stop()
    await restored.mesh.superuser.execute("TRUNCATE transactions, daily_totals")
    decisions = restored.mesh.decisions
    decisions.most, decisions.pause = 2, 0.05
    await restored.desk.ask_rebuild()
    await restored.desk.ask_rebuild()
    for _ in range(3):
        restored.mesh.start_consumer()
        seen = len(decisions.asked)
        await eventually(lambda seen=seen: _more(decisions.asked, seen + 2), 10)  # type: ignore[misc]
        assert (await restored.desk.state()).rebuilding
        await restored.stop()
    decisions.pause = 0.0
    restored.mesh.start_consumer()
    await restored.rebuilt()
    assert decisions.asked == sorted(decisions.asked), "no interruption sends it back to the beginning"


async def _more(asked: list[Any], count: int) -> bool:
    return len(asked) >= count


async def test_rebuild_of_a_ledger_that_lacks_nothing_changes_nothing(restored: Restored) -> None:
    await restored.desk.ask_rebuild()
    await restored.rebuilt()
    await restored.decide(3)
    await restored.rebuilt()


async def test_empty_ledger_whose_outbox_was_pruned_stops(restored: Restored) -> None:
    await restored.acknowledged()
    await restored.stop()
    await restored.prune()
    await restored.mesh.superuser.execute(
        "TRUNCATE transactions, daily_totals; UPDATE positions SET xid = '0', seq = 0, cluster = '', event = ''"
    )
    restored.mesh.start_consumer()
    await restored.lost("kept no longer")
    await restored.desk.ask_rebuild()
    await restored.rebuilt()


async def test_ledger_that_has_all_that_was_pruned_goes_on(restored: Restored) -> None:
    await restored.acknowledged()
    await restored.stop()
    await restored.prune()
    restored.mesh.start_consumer()
    await restored.decide(3)
    await restored.mesh.follows(*restored.names)
    assert await restored.desk.state() == LedgerState()


@pytest.mark.parametrize(
    ("fraud", "data", "why"),
    [
        (f"UPDATE outbox SET payload = payload || '\\x00' WHERE {NEWEST}", "", "another history"),
        (f"DELETE FROM outbox WHERE {NEWEST}", "", "another history"),
        ("", "UPDATE positions SET xid = '999999999'", "older"),
        ("", "UPDATE positions SET cluster = '42'", "another database cluster"),
    ],
    ids=["other event", "no event", "ahead", "other cluster"],
)  # fmt: skip
async def test_ledger_stops_at_a_database_that_is_not_the_one_it_has_followed(
    restored: Restored, fraud: str, data: str, why: str
) -> None:
    """As after a fraud service was restored to the past, by whatever means."""
    await restored.stop()
    for connection, statement in ((restored.fraud, fraud), (restored.mesh.superuser, data)):
        if statement:
            await connection.execute(statement)
    await restored.decide(2)
    restored.mesh.start_consumer()
    await restored.lost(why)
    assert len(await restored.mesh.ledger()) == 5
    await restored.desk.ask_rebuild()
    await restored.rebuilt()


async def test_what_a_lost_consumer_says_lets_nothing_be_pruned(restored: Restored) -> None:
    await restored.stop()
    await restored.mesh.superuser.execute("UPDATE positions SET xid = '999999999'")
    before = await restored.fraud.fetchrow("SELECT xid, seq FROM outbox_consumers WHERE consumer = 'data'")
    restored.mesh.start_consumer()
    await restored.lost("older")
    assert await restored.fraud.fetchrow("SELECT xid, seq FROM outbox_consumers WHERE consumer = 'data'") == before
