"""What checks go through when Redis is emptied over a long history. `python -m tests.load.emptied --decisions 2000000`.

A platform of its own, whose tenant has declared 38 features to 30 days, or none, decides payments of many users; copies
of these decisions fill the 30 days before. Checks are sent at a fixed rate. Redis is emptied in the middle, and each
check is timed until the logs are whole again, and a while longer. With `--home` the platform is kept, and used again.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import asyncpg
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from console.http import HttpClient
from console.up.state import State
from tests.load.connection import Connection
from tests.load.declared import Declared
from tests.load.frame import bounded, run_bench, state_folder
from tests.load.histogram import Histogram
from tests.load.machine import cpu_seconds, difference
from tests.load.paced import PacedLoop
from tests.load.platforms import Rampart
from tests.load.rounds import generate
from tests.load.workload import fraud_checks

__all__: list[str] = []

LONGEST_SECONDS = 3_600.0
COPY_SECONDS = 1_200.0
CONNECTIONS, CLOSED_CONNECTIONS = 256, 64
MADE_SECONDS = 15.0
"""For so long decisions are made of which the others are copies."""
RULES = 50
POLL_SECONDS = 0.25
BEFORE_SECONDS, AFTER_SECONDS = 15.0, 15.0
_COPY = """
INSERT INTO decisions
SELECT tenant_id, (left(first_decision_id(create_time - age)::text, 13) || right(decision_id::text, 23))::uuid,
    transaction_id || '-' || $2::int, event_type, user_id, outcome, event_time - age, create_time - age,
    key1, key2, key3, key4, key5, key6, key7, key8, event, answer, inputs
FROM decisions, LATERAL (SELECT $1::interval AS age) a WHERE decision_id >= first_decision_id($3)
LIMIT $4"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=200_000, help="of the last 30 days (default %(default)s)")
    parser.add_argument("--users", type=int, default=20_000, help="who pay (default %(default)s)")
    parser.add_argument("--shops", type=int, default=10_000, help="where they pay (default %(default)s)")
    parser.add_argument("--starter", action="store_true", help="without declared features")
    parser.add_argument("--rate", type=float, default=100.0, help="checks a second (default %(default)g)")
    parser.add_argument("--seconds", type=float, default=300.0, help="to wait until it is whole (default %(default)g)")
    parser.add_argument("--home", type=Path, help="the folder of a platform that is kept")
    arguments = parser.parse_args()
    return run_bench(lambda: _bench(arguments))


def _bench(arguments: argparse.Namespace) -> None:
    with state_folder() as folder:
        asyncio.run(bounded(LONGEST_SECONDS, _measure(arguments, arguments.home or folder / "emptied")))


async def _measure(arguments: argparse.Namespace, home: Path) -> None:
    is_new = not home.exists()
    as_it_is = Rampart("emptied", home, coalesce=True)
    platform = as_it_is if arguments.starter or not is_new else Declared("emptied", home, RULES)
    await platform.start()
    try:
        if is_new:
            await _fill(platform, home, arguments)
        print(f"{await platform.stored():,} decisions", flush=True)
        async with aclosing(_Redis(platform, home)) as redis:
            await redis.empty()
            seconds, events = await redis.whole(arguments.seconds)
            print(f"whole after {seconds:.0f} s without checks: {events:,.0f} events were put back", flush=True)
            await _load(platform, redis, arguments)
    finally:
        await platform.stop()


async def _fill(platform: Rampart, home: Path, arguments: argparse.Namespace) -> None:
    """Has decisions made, and copies them into the past."""
    options = ["--connections", str(CLOSED_CONNECTIONS), "--habits"]
    options += ["--users", str(arguments.users), "--shops", str(arguments.shops)]
    result = await generate(await platform.target(), "closed", 0.0, MADE_SECONDS, 1, *options)
    made = await platform.stored()
    print(f"{made:,} decisions were made, {result.per_second:,.0f} a second", flush=True)
    connection = await asyncpg.connect(_superuser_dsn(platform, home), command_timeout=COPY_SECONDS)
    try:
        begun, copies = await connection.fetchval("SELECT min(create_time) FROM decisions"), arguments.decisions // made
        for number in range(1, copies + 1):
            age = await connection.fetchval("SELECT interval '29 days' * $1::float8 / $2::float8", number, copies)
            await connection.execute(_COPY, age, number, begun, arguments.decisions - number * made)
        await connection.execute("VACUUM ANALYZE decisions")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close(timeout=COPY_SECONDS)


def _superuser_dsn(platform: Rampart, home: Path) -> str:
    parts = urlsplit(platform.dev["dsn"]["fraud"])
    password = State.open(home).password("postgres")
    return str(parts._replace(netloc=f"postgres:{password}@{parts.netloc.rpartition('@')[2]}").geturl())


class _Redis:
    """The Redis of a platform, and what the fraud service says of its logs there."""

    def __init__(self, platform: Rampart, home: Path) -> None:
        self._client: Redis = Redis.from_url(platform.dev["redis_url"], socket_timeout=60)
        self._admin = HttpClient(f"http://{platform.dev['admin']['fraud']}", connections=1)

    async def aclose(self) -> None:
        self._admin.close()
        await self._client.aclose()

    async def empty(self) -> None:
        await self._client.flushall()
        self._swept = await self._sample("logs_swept_total")

    async def whole(self, seconds: float) -> tuple[float, float]:
        """Waits until all logs are there again. Returns the seconds since it was called, and events put back."""
        begun = time.monotonic()
        async with asyncio.timeout(seconds):
            while True:
                await asyncio.sleep(POLL_SECONDS)
                swept = await self._sample("logs_swept_total") - self._swept
                if swept and not await self._sample("tenants_unswept"):
                    return time.monotonic() - begun, swept

    async def _sample(self, name: str) -> float:
        answer = await self._admin.request("GET", "/metrics")
        for family in text_string_to_metric_families(answer.body.decode()):
            for sample in family.samples:
                if sample.name == name:
                    return sample.value
        return 0.0


class _Answer(NamedTuple):
    due: float
    seconds: float
    status: int
    degraded: bytes


class _Noted(PacedLoop):
    """Keeps each answer."""

    answers: list[_Answer]

    @property
    def errors(self) -> Mapping[str, int]:
        return dict(self._tally.errors)

    def answered(self, connection: Connection, status: int, body: bytes) -> None:
        named = body.partition(b'"degraded":[')[2].partition(b"]")[0]
        self.answers.append(_Answer(connection.started, time.perf_counter() - connection.started, status, named))
        super().answered(connection, status, body)


async def _load(platform: Rampart, redis: _Redis, arguments: argparse.Namespace) -> None:
    target = await platform.target()
    requests = fraud_checks(target, 7, arguments.users, habits=True, shops=arguments.shops)
    noted = _Noted(target.address, requests, CONNECTIONS, arguments.rate)
    noted.answers = []
    running = asyncio.create_task(noted.run(0.0, BEFORE_SECONDS + arguments.seconds))
    await asyncio.sleep(BEFORE_SECONDS)
    emptied, cpu = time.perf_counter(), cpu_seconds(platform.pids())
    await redis.empty()
    seconds, events = await redis.whole(arguments.seconds)
    whole, used = time.perf_counter(), difference(cpu, cpu_seconds(platform.pids()))
    print(f"whole after {seconds:.0f} s under {arguments.rate:g}/s: {events:,.0f} events were put back")
    print("CPU: " + ", ".join(f"{name} {each / seconds:.0%}" for name, each in used.items() if each / seconds > 0.01))
    await asyncio.sleep(AFTER_SECONDS)
    running.cancel()
    spans = {"before": (0.0, emptied), "first 10 s": (emptied, emptied + 10.0), "until it is whole": (emptied, whole)}
    for name, (start, end) in {**spans, "after": (whole, time.perf_counter() - 1)}.items():
        _show(name, [each for each in noted.answers if start <= each.due < end])
    print(f"errors: {noted.errors}", flush=True)


def _show(name: str, answers: Sequence[_Answer]) -> None:
    times, without = Histogram(), Counter[bytes]()
    for each in answers:
        times.add(each.seconds)
        without.update([each.degraded] if each.degraded else [])
    statuses = dict(Counter(each.status for each in answers))
    quantiles = ", ".join(f"p{share * 100:g} {times.quantile(share) * 1e3:.1f}" for share in (0.5, 0.9, 0.99, 1.0))
    print(f"{name}: {statuses}; ms: {quantiles}; { ({n.decode(): c for n, c in without.items()}) }", flush=True)


if __name__ == "__main__":
    sys.exit(main())
