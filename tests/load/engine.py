"""`python -m tests.load.engine`: measures how features of checks are read, with a Redis of its own.

CPU time of this process and of Redis a check, for keys whose folds are at hand and for keys whose folds are not; calls
of functions a check, which other work on the machine does not change; memory of Redis.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import random
import sys
import tempfile
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import uvloop
from redis.asyncio import Redis

from console.up.state import State
from meshkit.storage.redis import open_redis
from services.fraud.adapters.graph.memory_graph import MemoryGraph
from services.fraud.adapters.logs.redis_logs import RedisLogs
from services.fraud.adapters.memory import MemoryStore
from services.fraud.adapters.memory_daily import MemoryDailyTotals
from services.fraud.domain.check import Check, Features
from services.fraud.domain.declared.declaration import DeclaredFeatures
from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.records import LogRecord, currency_number
from services.fraud.domain.declared.written import WrittenLog
from services.fraud.domain.event import Money
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.ports import LogKey, Restored
from services.fraud.service.daily.reading import DailyReader
from services.fraud.service.features.beside import BesideLogs
from services.fraud.service.features.reading import FeatureReader
from services.fraud.service.graph.reading import GraphReader
from services.fraud.service.logs.completing import Completer
from services.fraud.service.logs.fold_cache import FoldCache
from services.fraud.service.logs.folds import LogFolds
from services.fraud.service.logs.groups import to_milliseconds
from services.fraud.service.logs.unlogged import UnloggedDecisions
from services.fraud.service.tenants.features import TenantFeatures
from tests.load.folds import DAY, KINDS, engine_features
from tests.support.fraud import IP
from tests.support.readers import patiently
from tests.support.servers import valkey_server

__all__ = ["Engine", "EngineFeatures", "Load"]

TENANT = "01a2219d-42f6-7000-8c10-76b0eeb5eded"
VALUES = {"user_id": 800, "device_fingerprint": 1_000, "ip_address": 800, "merchant_id": 200, "card_fingerprint": 800}
BATCHES = (1, 32, 128)
DOLLARS = currency_number("USD")
CACHE_BYTES = 256 << 20


class EngineFeatures(TenantFeatures):
    """The features that are measured, as every tenant's: 40 over 5 kinds of key."""

    def __init__(self) -> None:
        super().__init__(DeclaredFeatures(), BUILT_IN)
        more = [
            Feature(
                name=name,
                event_type="payment",
                key=("user_id",),
                aggregate=aggregate,
                window_ms=DAY,
                field=field,
                converted=aggregate is Aggregate.SUM,
                same_currency=aggregate is Aggregate.COUNT,
            )
            for name, aggregate, field in (
                ("spent", Aggregate.SUM, "amount"),
                ("payments_in_currency", Aggregate.COUNT, ""),
            )
        ]
        self.set = FeatureSet("measured", [*engine_features(), *more], BUILT_IN)
        self.logs = [WrittenLog(plan.schema, plan, start) for plan, start in self.set.starts.items()]

    async def prepare(self, tenants: Collection[str]) -> None:
        return

    def of(self, tenant_id: str) -> EngineFeatures:
        return self


class Load:
    """Checks of random payments, without a time of their own."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._made = 0

    def check(self) -> Check:
        self._made += 1
        fields: dict[str, Any] = {kind: f"{kind}-{self._dice.randrange(VALUES[kind])}" for kind in KINDS}
        minor = self._dice.randint(100, 90_000)
        return Check(
            tenant_id=TENANT,
            transaction_id=f"tx-{self._made}",
            event_type="payment",
            fields={**fields, "amount": Money(minor, "USD"), "channel": "online"},
            event_time=None,
            fingerprint=b"",
            user_id=fields["user_id"],
            merchant=fields["merchant_id"],
            amount=minor / 100,
            amount_minor=minor,
            currency="USD",
            currency_digits=2,
            channel="online",
        )

    def restored(self, sets: EngineFeatures, each: int) -> Iterator[Restored]:
        """Logs of all values with records over the last 30 days."""
        now, dice = to_milliseconds(datetime.now(UTC)), self._dice
        for recorder, stream, _ in sets.recordings(TENANT, "payment"):
            others = len(recorder.plan.counterparts)
            for number in range(VALUES[recorder.plan.name]):
                records = [
                    LogRecord(
                        now - 30 * DAY + at * (30 * DAY // each),
                        dice.getrandbits(64),
                        (dice.randint(100, 90_000),),
                        tuple(dice.randint(1, 20) for _ in range(others)),
                        0,
                        DOLLARS,
                        restored=True,
                    )
                    for at in range(each)
                ]
                layout, key = recorder.layout, LogKey(stream, f"{recorder.plan.name}-{number}")
                yield Restored(key, layout.pack_all(records), layout.size, 30 * 86_400)


class Engine:
    """A reader of features, and what it takes."""

    def __init__(self, redis: Redis, sets: EngineFeatures) -> None:
        self._redis, self._sets = redis, sets
        self.logs = RedisLogs(redis, secret=_secret, fence=_no_fence)
        self._append, self.appending = self.logs.append, 0.0
        self.logs.append = self._timed_append  # type: ignore[assignment,method-assign]
        self.forget()

    def forget(self) -> None:
        """Begins with no fold at hand."""
        store = MemoryStore()
        folds = LogFolds(self.logs, Completer(self.logs, store), FoldCache(CACHE_BYTES), UnloggedDecisions(store))
        beside = BesideLogs(DailyReader(MemoryDailyTotals()), GraphReader(MemoryGraph()))
        self._reader = FeatureReader(self.logs, folds, self._sets, IP, beside, lambda: datetime.now(UTC))

    async def restore(self, load: Load, records: int) -> int:
        """Fills the logs of all values. Returns how many there are."""
        proof = await self.logs.proof()
        restored = list(load.restored(self._sets, records))
        for start in range(0, len(restored), 200):
            await self.logs.restore(restored[start : start + 200], proof)
        assert await self.logs.prove_all(proof)
        return len(restored)

    async def read(self, checks: Sequence[Check]) -> tuple[Sequence[Features], float]:
        """Reads for a batch and settles it. Returns the CPU time that it took, in seconds."""
        began = process_time()
        reading = await self._reader.read(checks, patiently())
        self._reader.settle(reading, checks, ())
        took = process_time() - began
        whole = [each for each in reading.features if isinstance(each, Features) and not each.degraded]
        assert len(whole) == len(checks), "all are whole"
        return whole, took

    async def run(self, checks: Sequence[Check]) -> float:
        return (await self.read(checks))[1]

    async def measure(self, name: str, batches: Sequence[Sequence[Check]]) -> None:
        size = len(batches[0])
        before, self.appending = await self._server_seconds(), 0.0
        rounds = [await self.run(batch) / size * 1e6 for batch in batches]
        server = (await self._server_seconds() - before) / len(batches) / size * 1e6
        append = self.appending / len(batches) / size * 1e6
        print(
            f"{name}, batches of {size:>3}: {median(rounds):6.1f} us a check (least {min(rounds):6.1f}), "
            f"{append:5.1f} of them in append (mean); Redis {server:5.1f} us"
        )

    async def count_calls(self, batches: Sequence[Sequence[Check]], shown: int) -> None:
        profile = cProfile.Profile()
        profile.enable()
        for batch in batches:
            await self.run(batch)
        profile.disable()
        found = pstats.Stats(profile)
        calls = found.total_calls / len(batches) / len(batches[0])  # type: ignore[attr-defined]
        print(f"calls of functions a check, batches of {len(batches[0])}: {calls:.0f}")
        if shown:
            found.sort_stats("tottime").print_stats(shown)

    async def measure_memory(self) -> None:
        used = (await self._redis.info("memory"))["used_memory"]
        for each in (1, 60):
            name, logs = f"memory-{each}", 2_000
            for number in range(logs):
                await self._redis.set(f"e:{name:>8}{number:>8}", bytes(20 + 40 * each), ex=86_400)
            now = (await self._redis.info("memory"))["used_memory"]
            taken = (now - used) / logs
            print(f"Redis: {taken:,.0f} B a log of {each} records, {taken / each:.0f} B a record")
            used = now

    async def _timed_append(self, *arguments: Any) -> Any:
        began = process_time()
        try:
            return await self._append(*arguments)
        finally:
            self.appending += process_time() - began

    async def _server_seconds(self) -> float:
        found: dict[str, float] = await self._redis.info("cpu")
        return found["used_cpu_user_main_thread"] + found["used_cpu_sys_main_thread"]


async def _secret() -> bytes:
    return b"s" * 32


async def _no_fence(generation: bytes) -> None:
    """There is no store that has to know."""


async def measure(url: str, records: int, checks: int, shown: int) -> None:
    redis, load, sets = open_redis(url, timeout=30), Load(random.Random(1)), EngineFeatures()
    engine = Engine(redis, sets)
    logs = await engine.restore(load, records)
    print(f"{len(sets.set.features)} features of {len(KINDS)} kinds, {logs:,} logs with {records} records each")
    await engine.run([load.check()])
    await engine.measure("cold", [[load.check() for _ in range(32)] for _ in range(10)])
    for _ in range(checks // 32):
        await engine.run([load.check() for _ in range(32)])
    for size in BATCHES:
        batches = [[load.check() for _ in range(size)] for _ in range(max(checks // 2 // size, 5))]
        await engine.measure("warm", batches)
    for _ in range(checks // 64):
        await engine.run([load.check() for _ in range(32)])
    await engine.count_calls([[load.check() for _ in range(32)] for _ in range(50)], shown)
    await engine.measure_memory()
    await redis.aclose()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=60, help="in each log")
    parser.add_argument("--checks", type=int, default=6_400)
    parser.add_argument("--show", type=int, default=0, help="functions of the profile")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="rampart-engine-") as folder,
        valkey_server(State.open(Path(folder))) as url,
    ):
        uvloop.run(measure(url, arguments.records, arguments.checks, arguments.show))
    return 0


if __name__ == "__main__":
    sys.exit(main())
