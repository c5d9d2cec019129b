"""What every implementation of the ports of daily totals does, and what PostgreSQL keeps apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis

from meshkit.errors import MeshError
from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, open_pool, transaction
from meshkit.storage.reads import Reads
from services.fraud.adapters import postgres_daily
from services.fraud.adapters.memory_daily import MemoryDailyTotals
from services.fraud.adapters.postgres_daily import PostgresDailyTotals, PostgresTotalsKeeping
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_features import PostgresFeatureHeads, PostgresFeatures, PostgresFeatureWriter
from services.fraud.domain.check import Check
from services.fraud.domain.declared.feature import Aggregate
from services.fraud.domain.declared.known import known_features
from services.fraud.domain.event import StoredEvent
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.logs.day_recording import StreamValue
from services.fraud.domain.logs.days import Days, DayTotal, unpack_days
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.ports import DailyKey, DailyTotals, TotalsKeeping
from services.fraud.service.daily.keeping import DailyKeeper
from services.fraud.service.daily.reading import DailyReader
from services.fraud.service.tenants.configuration import Configurations, compiled
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures
from tests.support.engine import Engine, eventually
from tests.support.features import DAY_MS, counting, declare
from tests.support.fraud import check, decided, milliseconds, new_tenant
from tests.support.readers import keys_of, settled, store_of
from tests.support.servers import Database

STREAM, OTHER = 7, -(2**63)
DAY = 20_600
LAST = UUID(int=2**128 - 1)


def total(day: int, amount: int = 5) -> DayTotal:
    return DayTotal(1, amount, amount * amount, amount, amount, day * DAY_MS, day * DAY_MS + 1)


def days(*of: int) -> Days:
    return {(day, 0): total(day) for day in of}


@dataclass
class Stores:
    totals: DailyTotals
    keeping: TotalsKeeping
    pool: Pool | None = None
    stored: dict[str, list[tuple[UUID, StoredEvent]]] = field(default_factory=dict)

    async def store(self, *checks: Check) -> None:
        made = [decided(each) for each in checks]
        for each in made:
            asked = each.check
            assert asked.event_time is not None
            event = StoredEvent(asked.transaction_id, "payment", asked.event_time, each.create_time, asked.fields)
            self.stored.setdefault(asked.tenant_id, []).append((UUID(each.decision_id), event))
        if self.pool is not None:
            assert not (await store_of(self.pool).commit(made)).earlier
        # Decisions of this very millisecond are not settled.
        await asyncio.sleep(0.002)

    async def whole(self, tenant: str, totals: dict[StreamValue, Days]) -> UUID:
        """Has streams whose totals are whole. Returns how far they have reached."""
        streams = {each.stream for each in totals}
        await self.keeping.begin(tenant, streams)
        (before,) = {each.reached for each in (await self.keeping.streams(tenant)).values()}
        page = await self.keeping.page(tenant, ["payment"], before, None, 100)
        assert await self.keeping.take(tenant, streams, before, page.reached, totals)
        await self.keeping.finish(tenant, streams)
        return page.reached

    async def read(self, *keys: DailyKey) -> Sequence[Days | None]:
        found = await self.totals.read(keys)
        return [unpack_days(found[key]) if key in found else None for key in keys]


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest, pool: Pool) -> Stores:
    if request.param == "postgres":
        keeping = PostgresTotalsKeeping(pool, keys_of(pool), unsettled_seconds=0.0)
        return Stores(PostgresDailyTotals(pool, keys_of(pool)), keeping, pool)
    twin = MemoryDailyTotals(settled=uuid7)
    found = Stores(twin, twin)
    twin.decided = lambda tenant: found.stored.get(tenant, ())
    return found


async def test_totals_are_read_once_their_stream_is_whole(stores: Stores, tenant: str) -> None:
    key = DailyKey(tenant, STREAM, "u1")
    await stores.keeping.begin(tenant, [STREAM])
    assert await stores.read(key) == [None]
    reached = await stores.whole(tenant, {StreamValue(STREAM, "u1"): days(DAY, DAY + 40, DAY - 300)})
    assert await stores.read(key, key._replace(value="u2"), key._replace(stream=OTHER)) == [
        days(DAY - 300, DAY, DAY + 40), {}, None,
    ]  # fmt: skip
    assert await stores.keeping.streams(tenant) == {STREAM: (reached, True, False)}
    await stores.keeping.begin(tenant, [STREAM])
    assert (await stores.keeping.streams(tenant))[STREAM].whole, "a stream that is there is not begun again"


async def test_what_is_taken_is_added_and_only_from_where_the_streams_are(stores: Stores, tenant: str) -> None:
    reached = await stores.whole(
        tenant, {StreamValue(STREAM, "u1"): days(DAY), StreamValue(OTHER, "u1"): {(DAY, 3): total(DAY)}}
    )
    more: dict[StreamValue, Days] = {
        StreamValue(STREAM, "u1"): {(DAY, 0): total(DAY, -9), (DAY + 1, 0): total(DAY + 1)}
    }
    assert await stores.keeping.take(tenant, [STREAM, OTHER], reached, LAST, more)
    merged = DayTotal(2, -4, 106, -9, 5, DAY * DAY_MS, DAY * DAY_MS + 1)
    expected = [{(DAY, 0): merged, (DAY + 1, 0): total(DAY + 1)}, {(DAY, 3): total(DAY)}]
    keys = [DailyKey(tenant, stream, "u1") for stream in (STREAM, OTHER)]
    assert await stores.read(*keys) == expected
    for streams in ([STREAM], [STREAM, OTHER], [STREAM, 99]):
        assert not await stores.keeping.take(tenant, streams, reached, LAST, more)
    assert not await stores.keeping.take(tenant, [STREAM, 99], LAST, reached, more)
    assert await stores.read(*keys) == expected
    assert {each.reached for each in (await stores.keeping.streams(tenant)).values()} == {LAST}


async def test_pages_have_the_events_of_some_types_in_the_order_of_decisions(stores: Stores, tenant: str) -> None:
    checks = [check(tenant, f"t-{number}") for number in range(5)]
    await stores.store(*checks, check(new_tenant()))
    first = await stores.keeping.page(tenant, ["payment", "login"], UUID(int=0), None, 3)
    assert ([each.transaction_id for each in first.events], first.last) == (["t-0", "t-1", "t-2"], False)
    rest = await stores.keeping.page(tenant, ["payment"], first.reached, None, 3)
    assert ([each.transaction_id for each in rest.events], rest.last) == (["t-3", "t-4"], True)
    assert rest.events[0].fields == checks[3].fields and rest.events[0].event_time == checks[3].event_time
    assert (await stores.keeping.page(tenant, ["payment"], rest.reached, None, 3)).events == []
    upto = await stores.keeping.page(tenant, ["payment"], UUID(int=0), first.reached, 9)
    assert (len(upto.events), upto.reached, upto.last) == (3, first.reached, False)
    assert (await stores.keeping.page(tenant, ["login"], UUID(int=0), None, 9)).events == []


async def test_a_dropped_stream_is_not_read_and_begins_anew(stores: Stores, tenant: str) -> None:
    await stores.whole(tenant, {StreamValue(STREAM, "u1"): days(DAY), StreamValue(OTHER, "u1"): days(DAY)})
    assert not await stores.keeping.drop(tenant, STREAM)
    keys = [DailyKey(tenant, stream, "u1") for stream in (STREAM, OTHER)]
    assert await stores.read(*keys) == [None, days(DAY)]
    assert list(await stores.keeping.streams(tenant)) == [OTHER]
    assert not await stores.keeping.drop(tenant, STREAM)
    await stores.keeping.drop(tenant, OTHER)
    await stores.whole(tenant, {StreamValue(STREAM, "u2"): days(DAY)})
    assert await stores.read(keys[0]) == [{}]


async def test_days_of_long_ago_are_forgotten(stores: Stores, tenant: str) -> None:
    first = DAY // 32 * 32
    await stores.whole(tenant, {StreamValue(STREAM, "u1"): days(first - 33, first - 1, first, first + 5)})
    assert not await stores.keeping.forget(tenant, first + 3)
    assert await stores.read(DailyKey(tenant, STREAM, "u1")) == [days(first, first + 5)]


async def test_tenants_never_see_the_totals_of_others(stores: Stores, tenant: str) -> None:
    stranger = new_tenant()
    await stores.whole(tenant, {StreamValue(STREAM, "u1"): days(DAY)})
    assert await stores.read(DailyKey(stranger, STREAM, "u1")) == [None]
    assert await stores.keeping.streams(stranger) == {}
    await stores.keeping.drop(stranger, STREAM)
    await stores.keeping.forget(stranger, DAY + 1_000)
    await stores.whole(stranger, {StreamValue(STREAM, "u1"): days(DAY + 1)})
    keys = [DailyKey(each, STREAM, "u1") for each in (tenant, stranger)]
    assert await stores.read(*keys) == [days(DAY), days(DAY + 1)]


@pytest.mark.parametrize("table", ["daily_totals", "daily_streams"])
async def test_rows_of_the_named_tenants_are_seen_and_written_and_no_others(
    pool: Pool, tenant: str, table: str
) -> None:
    """Row-level security itself: these statements ask for everything."""
    stranger = new_tenant()
    keeping = PostgresTotalsKeeping(pool, keys_of(pool), unsettled_seconds=0.0)
    for each in (tenant, stranger):
        await Stores(PostgresDailyTotals(pool, keys_of(pool)), keeping).whole(
            each, {StreamValue(STREAM, "u1"): days(DAY)}
        )
    async with transaction(pool, [tenant]) as connection:
        rows = await connection.fetch(f"SELECT tenant_id FROM {table}")
        assert {str(row["tenant_id"]) for row in rows} == {tenant}
        assert await connection.execute(f"DELETE FROM {table} WHERE tenant_id = '{stranger}'") == "DELETE 0"
    with pytest.raises(Exception, match="row-level security"):
        async with transaction(pool, [tenant]) as connection:
            await connection.execute(f"UPDATE {table} SET tenant_id = '{stranger}'")
    async with transaction(pool, []) as connection:
        assert await connection.fetch(f"SELECT 1 FROM {table}") == []


async def test_totals_behind_and_decisions_that_may_be_overtaken_are_left(pool: Pool, tenant: str) -> None:
    keeping = PostgresTotalsKeeping(pool, keys_of(pool))
    stores = Stores(PostgresDailyTotals(pool, keys_of(pool), behind_seconds=590.0), keeping, pool)
    await stores.store(check(tenant))
    await stores.whole(tenant, {StreamValue(STREAM, "u1"): days(DAY)})
    key = DailyKey(tenant, STREAM, "u1")
    assert await stores.read(key) == [None], "ten minutes behind"
    stores.totals = PostgresDailyTotals(pool, keys_of(pool), behind_seconds=700.0)
    assert await stores.read(key) == [days(DAY)]
    assert (await keeping.page(tenant, ["payment"], UUID(int=0), None, 9)).events == []


async def test_much_is_deleted_in_parts_and_a_stream_goes_last(
    pool: Pool, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_daily, "DELETED", 2)
    keeping = PostgresTotalsKeeping(pool, keys_of(pool), unsettled_seconds=0.0)
    stores = Stores(PostgresDailyTotals(pool, keys_of(pool)), keeping, pool)
    await stores.whole(tenant, {StreamValue(STREAM, f"u{number}"): days(DAY) for number in range(3)})
    assert await keeping.drop(tenant, STREAM)
    assert (await keeping.streams(tenant))[STREAM].dropped
    assert await stores.read(DailyKey(tenant, STREAM, "u1")) == [None]
    assert not await keeping.drop(tenant, STREAM)
    assert await keeping.streams(tenant) == {}


class Process:
    """A process that decides and totals days, all on real stores."""

    def __init__(self, engine: Engine, keeper: DailyKeeper, pool: Pool) -> None:
        self.engine, self.keeper = engine, keeper
        self.writer, self.reads = PostgresFeatureWriter(pool), PostgresFeatures(Reads(pool))

    async def value(self, name: str, asked: Check) -> tuple[object, tuple[str, ...]]:
        (seen,) = await self.engine.see(asked)
        return dict(zip(seen.set.names, seen.values, strict=True)).get(name), seen.degraded

    async def until_ready(self, tenant: str, name: str) -> None:
        async def ready() -> bool:
            await self.keeper.round()
            return known_features(await self.reads.declared(tenant), BUILT_IN)[name].is_read

        await eventually(ready)

        async def known() -> bool:
            await self.engine.sets.prepare([tenant])
            return all(each.is_whole for each in self.engine.sets.of(tenant).daily("payment"))

        await eventually(known)


@pytest.fixture
async def process(redis: Redis, logged_database: Database) -> AsyncIterator[Process]:
    pool = await open_pool(logged_database.dsn)
    reading, relay = await open_pool(logged_database.dsn, size=3), await open_pool(logged_database.relay_dsn, size=1)
    known = Configurations(PostgresDeclarations(reading), lambda found: compiled(found, compile_pattern), poll=0.06)
    engine = Engine(redis, pool, configurations=known, stale_seconds=0.2)
    totals = PostgresDailyTotals(reading, keys_of(reading))
    engine.reader._beside.daily = DailyReader(totals, read_seconds=10.0)
    keeper = DailyKeeper(
        totals=PostgresTotalsKeeping(pool, keys_of(pool), unsettled_seconds=0.0),
        heads=PostgresFeatureHeads(relay, pool),
        sets=ConfiguredFeatures(known, 0.2),
    )
    running = asyncio.create_task(known.run())
    yield Process(engine, keeper, pool)
    await settled(engine.logs)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    for each in (pool, reading, relay):
        await each.close()


def paid(tenant: str, ago: timedelta, minor: int, currency: str = "EUR") -> Check:
    when = milliseconds(datetime.now(UTC)) - ago
    return check(tenant, event_time=when, amount_minor=minor, currency=currency)


async def test_a_mean_of_a_year_over_decisions_of_before_and_of_now(process: Process, tenant: str) -> None:
    year = counting("mean_year", window_ms=365 * DAY_MS, aggregate=Aggregate.MEAN, field="amount")
    for days_ago, minor in ((399, 10_000), (300, 100), (45, 300), (10, 800)):
        await process.engine.see(paid(tenant, timedelta(days=days_ago), minor))
    await process.engine.see(paid(tenant, timedelta(days=50), 77_777, "USD"))
    await declare(process.writer, tenant, year)
    await process.until_ready(tenant, "mean_year")

    assert await process.value("mean_year", paid(tenant, timedelta(0), 1_200)) == (400.0, ())
    assert await process.value("mean_year", paid(tenant, timedelta(0), 5)) == (600.0, ())
    # A restart loses nothing: what is at hand is empty.
    process.engine.reader._beside.daily = DailyReader(process.engine.reader._beside.daily._totals, read_seconds=10.0)
    assert (await process.value("mean_year", paid(tenant, timedelta(0), 5)))[0] == pytest.approx(2_405 / 5)


async def test_a_lock_on_totals_costs_the_value_and_not_the_decision(
    process: Process, tenant: str, logged_database: Database
) -> None:
    await declare(process.writer, tenant, counting("year", window_ms=365 * DAY_MS))
    await process.until_ready(tenant, "year")
    assert (await process.value("year", check(tenant)))[0] is not None
    owner = await open_pool(logged_database.owner_dsn, size=1)
    async with owner.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE daily_totals IN ACCESS EXCLUSIVE MODE")
        stranger = check(tenant, user_id="never seen")
        process.engine.reader._beside.daily._read_seconds = 0.1
        assert await process.value("year", stranger) == (None, ("daily_totals",))
    await owner.close()
    process.engine.reader._beside.daily._read_seconds = 10.0

    async def again() -> bool:
        return (await process.value("year", check(tenant, user_id="other")))[1] == ()

    await eventually(again)


async def test_without_a_store_reading_says_so() -> None:
    nowhere = await open_pool("postgresql://nobody@127.0.0.1:1/none", size=1)
    with pytest.raises(MeshError):
        await PostgresDailyTotals(nowhere, keys_of(nowhere)).read([DailyKey(new_tenant(), STREAM, "u")])
    nowhere.terminate()
