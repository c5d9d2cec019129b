"""`python -m tests.load.daily`: what windows of more than 30 days cost, with a Redis and a PostgreSQL of its own.

CPU time of this process a check, for a tenant without such features and for one with five of them over two kinds of
key: with daily totals at hand, and with none at hand, where they are read from PostgreSQL; what it takes to total
decisions by day, and what the totals take.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from uuid import UUID

import uvloop
from redis.asyncio import Redis

from console.up.state import State
from meshkit.storage.migrations import migrate
from meshkit.storage.postgres import Pool, pool
from meshkit.storage.redis import open_redis
from meshkit.topology import load as topology
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.postgres_daily import PostgresDailyTotals, PostgresTotalsKeeping
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_features import PostgresFeatureHeads, PostgresFeatureWriter
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.domain.check import Check
from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.records import currency_number
from services.fraud.domain.declared.written import WrittenLog
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.logs.day_recording import StreamValue
from services.fraud.domain.logs.days import Days, DayTotal
from services.fraud.ports import DailyTotals
from services.fraud.service.daily.keeping import DailyKeeper
from services.fraud.service.daily.reading import DailyReader
from services.fraud.service.tenants.configuration import Configurations
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures
from tests.load.engine import TENANT, VALUES, Engine, EngineFeatures, Load
from tests.load.folds import DAY
from tests.support.features import declare
from tests.support.fraud import check, decided
from tests.support.processes import ROOT
from tests.support.servers import Database, postgres_server, valkey_server

__all__: list[str] = []

DOLLARS = currency_number("USD")
KEYS = ("user_id", "card_fingerprint")
COMMITTED = 250


def long_features() -> Sequence[Feature]:
    """Five windows over two kinds of key, of four things that are totalled."""
    asked = (
        ("user_year", "user_id", Aggregate.COUNT, "", 365),
        ("user_mean_year", "user_id", Aggregate.MEAN, "amount", 365),
        ("user_max_90d", "user_id", Aggregate.MAX, "amount", 90),
        ("card_first_400d", "card_fingerprint", Aggregate.FIRST_SEEN, "", 400),
        ("card_stddev_180d", "card_fingerprint", Aggregate.STDDEV, "amount", 180),
    )
    return [
        Feature(name=name, event_type="payment", key=(key,), aggregate=aggregate, window_ms=days * DAY, field=field)
        for name, key, aggregate, field, days in asked
    ]


class LongFeatures(EngineFeatures):
    """The features that are measured elsewhere, and five over more than 30 days."""

    def __init__(self) -> None:
        super().__init__()
        self.set = FeatureSet("long", [*self.set.features, *long_features()], BUILT_IN)
        self.logs = [WrittenLog(f"{plan.schema}.1", plan, start) for plan, start in self.set.starts.items()]
        self._totalled = frozenset(each.stream.number for each in self.set.daily)


class LongEngine(Engine):
    """An engine with daily totals, at hand or not."""

    def __init__(self, redis: Redis, sets: EngineFeatures, totals: DailyTotals) -> None:
        self._totals = totals
        super().__init__(redis, sets)

    def forget(self) -> None:
        super().forget()
        self.forget_days()

    def forget_days(self) -> None:
        self._reader._beside.daily = DailyReader(self._totals, read_seconds=5.0, cache_bytes=256 << 20)


def _days(dice: random.Random, count: int, money: bool) -> Days:
    """Totals of some of the last 400 days, three events each."""
    today = int(time.time() * 1000) // DAY
    found = {}
    for day in dice.sample(range(today - 400, today + 1), count):
        total = dice.randint(300, 90_000)
        sums = (total, total * total, total, total) if money else ()
        each = DayTotal(3, *sums) if money else DayTotal(3)
        found[day, DOLLARS if money else 0] = each._replace(first=day * DAY, last=day * DAY + 7)
    return found


async def _seed(keeping: PostgresTotalsKeeping, sets: LongFeatures, days: int) -> None:
    streams = {each.stream: each.feature for each in sets.set.daily}
    numbers = [stream.number for stream in streams]
    await keeping.begin(TENANT, numbers)
    place, dice = next(iter((await keeping.streams(TENANT)).values())).reached, random.Random(2)
    now = (await keeping.page(TENANT, [], place, None, 1)).reached
    for stream, feature in streams.items():
        key = feature.key[0]
        totals = {
            StreamValue(stream.number, f"{key}-{number}"): _days(dice, days, stream.by_currency)
            for number in range(VALUES[key])
        }
        assert await keeping.take(TENANT, [stream.number], place, now, totals)
    await keeping.finish(TENANT, numbers)


async def _read(redis: Redis, lent: Pool, load: Load, days: int, checks: int) -> None:
    keys = EventKeys(lent)
    keeping, sets = PostgresTotalsKeeping(lent, keys, unsettled_seconds=0.0), LongFeatures()
    await _seed(keeping, sets, days)
    print(f"{days} days of each key, {len({each.stream for each in sets.set.daily})} things totalled", flush=True)
    totals = PostgresDailyTotals(lent, keys)
    engines = {"without": Engine(redis, EngineFeatures()), "with": LongEngine(redis, sets, totals)}
    for engine in engines.values():
        proof = await engine.logs.proof()
        restored = list(load.restored(engine._sets, 60))
        for start in range(0, len(restored), 200):
            await engine.logs.restore(restored[start : start + 200], proof)
        assert await engine.logs.prove_all(proof)
        for _ in range(max(checks, 6_400) // 32):
            await engine.run([load.check() for _ in range(32)])
    long = engines["with"]
    assert isinstance(long, LongEngine)
    found: dict[str, list[float]] = {"without": [], "at hand": [], "not at hand": []}
    # In turns: the machine is never as busy as it was.
    for _ in range(checks // 32):
        batch = [load.check() for _ in range(32)]
        found["without"].append(await engines["without"].run(batch))
        found["at hand"].append(await long.run([load.check() for _ in range(32)]))
    waited: list[float] = []
    for _ in range(20):
        long.forget_days()
        began = time.perf_counter()
        found["not at hand"].append(await long.run([load.check() for _ in range(32)]))
        waited.append(time.perf_counter() - began)
    for name, seconds in found.items():
        shown = [each / 32 * 1e6 for each in seconds]
        print(f"{name:<12} {median(shown):6.1f} us of CPU a check (least {min(shown):6.1f})", flush=True)
    print(f"a batch of 32 without totals at hand takes {median(waited) * 1e3:.1f} ms", flush=True)
    for stream in await keeping.streams(TENANT):
        while await keeping.drop(TENANT, stream):
            pass


async def _total(database: Database, lent: Pool, decisions: int) -> None:
    """Totals decisions of a year."""
    tenant, store, dice = str(UUID(int=9)), PostgresStore(lent, EventKeys(lent)), random.Random(3)
    generation: bytes = await lent.fetchval("SELECT generation FROM log_generation")
    now = datetime.now(UTC)

    def paid(part: float) -> Check:
        made = check(
            tenant, user_id=f"u{dice.randrange(5_000)}", amount_minor=dice.randint(100, 90_000),
            event_time=now - timedelta(days=399 * (1 - part)),
        )  # fmt: skip
        made.fields = {**made.fields, "card_fingerprint": f"c{dice.randrange(5_000)}"}
        return made

    for start in range(0, decisions, COMMITTED):
        made = [decided(paid((start + number) / decisions)) for number in range(COMMITTED)]
        known = [each._replace(features=each.features._replace(generation=generation)) for each in made]
        result = await store.commit(sorted(known, key=lambda each: each.check.key))
        assert len(result.answers) == len(made), result.earlier
    await asyncio.sleep(0.01)
    await declare(PostgresFeatureWriter(lent), tenant, *long_features())
    sets = ConfiguredFeatures(Configurations(PostgresDeclarations(lent)))
    async with pool(database.relay_dsn, size=1) as relay:
        keeper = DailyKeeper(
            totals=PostgresTotalsKeeping(lent, EventKeys(lent), unsettled_seconds=0.0),
            heads=PostgresFeatureHeads(relay, lent),
            sets=sets,
        )
        ticker = asyncio.create_task(_tick())
        began, cpu = time.perf_counter(), time.process_time()
        while await keeper.round():
            pass
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        ticker.cancel()
    size = await lent.fetchval("SELECT pg_total_relation_size('daily_totals')")
    each = 1e6 / decisions
    print(
        f"{decisions:,} decisions of 5,000 users and cards, four things totalled: {decisions / wall:,.0f}/s, "
        f"{cpu * each:.0f} us of CPU of this process a decision; {size / decisions / 4:.0f} B a decision and thing"
    )


async def _tick() -> None:
    """Tells how long others had to wait for the event loop, in CPU time of this process."""
    held: list[float] = []
    try:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0.001)
            held.append((time.thread_time() - began) * 1e3)
    except asyncio.CancelledError:
        held.sort()
        usual, most = held[len(held) * 99 // 100], held[-1]
        print(f"while totalling, the loop was held up for {usual:.1f} ms (99 % of looks), {most:.1f} ms at most")
        raise


async def measure(database: Database, url: str, arguments: argparse.Namespace) -> None:
    entry = topology().service("fraud")
    roles = {name: entry.user(name) for name in (*entry.dsns(), "reader")}
    await migrate(database.owner_dsn, ROOT / "services/fraud/migrations", roles)
    redis, load = open_redis(url, timeout=30), Load(random.Random(1))
    async with pool(database.dsn, size=4, seconds=60) as lent:
        await _total(database, lent, arguments.decisions)
        for days in (12, 335):
            await _read(redis, lent, load, days, arguments.checks)
    await redis.aclose()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=3_200)
    parser.add_argument("--decisions", type=int, default=20_000)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="rampart-daily-") as folder,
        postgres_server(State.open(Path(folder) / "postgres")) as server,
        valkey_server(State.open(Path(folder) / "valkey")) as url,
    ):

        async def run() -> None:
            await measure(await server.create_database("fraud", "rampart_daily"), url, arguments)

        uvloop.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
