"""A feature is missing until the logs have all that it counts, and then exact; others never notice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from meshkit.storage.postgres import Pool, open_pool
from meshkit.storage.reads import Reads
from services.fraud.adapters.ip_intelligence import FileIpIntelligence
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_features import PostgresFeatures, PostgresFeatureWriter
from services.fraud.adapters.postgres_labels import PostgresLabels, PostgresLabelWriter
from services.fraud.adapters.postgres_untold_labels import PostgresUntoldLabels
from services.fraud.domain.check import Check, Features
from services.fraud.domain.declared.declaration import Definition, DerivedFeature
from services.fraud.domain.declared.feature import Aggregate
from services.fraud.domain.declared.records import LogRecord
from services.fraud.domain.labels.label import NewLabel
from services.fraud.domain.travel import GeoPoint, speed_kmh
from services.fraud.domain.verification.recorded import Cause
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.ports import FeatureHead, LogKey
from services.fraud.service.labels.keeping import LabelService, ToldLabel
from services.fraud.service.labels.telling import LabelTeller
from services.fraud.service.logs import keeping as log_keeping
from services.fraud.service.logs import sweep as log_sweep
from services.fraud.service.logs.rebuilding import RebuildProgress, Rebuilds
from services.fraud.service.tenants.configuration import Configurations, compiled
from tests.support.engine import Engine, eventually, keeping
from tests.support.features import DAY_MS, counting, declare
from tests.support.fraud import check, milliseconds, new_tenant
from tests.support.labels import said
from tests.support.mmdb import write_mmdb
from tests.support.readers import patiently, settled
from tests.support.servers import Database
from tests.support.twin import Twin, seen_by
from tests.support.verifying import Verified, verify

STALE, SETTLED = 0.3, 1.5
"""Seconds: a configuration is never older, and a change is settled."""
CARDS = counting("cards", aggregate=Aggregate.DISTINCT, field="card_fingerprint", window_ms=30 * DAY_MS)
WEEK = counting("merchant_week", key="merchant_id", window_ms=7 * DAY_MS)
MONTH = counting("user_month", window_ms=30 * DAY_MS)
FRAUD = counting("merchant_fraud", key="merchant_id", aggregate=Aggregate.COUNT_FRAUD, window_ms=30 * DAY_MS)
SHARE = counting("merchant_share", key="merchant_id", aggregate=Aggregate.SHARE_FRAUD, window_ms=30 * DAY_MS)
KMH = counting(
    "login_kmh", event_type="login", counts=("payment",), aggregate=Aggregate.TRAVEL_SPEED, field="ip_address",
    window_ms=DAY_MS,
)  # fmt: skip
BERLIN, SYDNEY, OSLO = GeoPoint(52.5244, 13.4105, 20.0), GeoPoint(-33.8678, 151.2073, 20.0), GeoPoint(59.9127, 10.7461)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_keeping, "LONGEST_COMMIT", timedelta(seconds=0.3))
    monkeypatch.setattr(log_keeping, "OVERDUE_SECONDS", 0.5)
    monkeypatch.setattr(log_keeping, "ROUND_SECONDS", 0.1)
    monkeypatch.setattr(log_sweep, "QUIET_SECONDS", 0.3)


class Tenants:
    """Two processes, of which the second learns of changes late, and what a scan of all decisions says."""

    def __init__(self, started: Sequence[Engine], pool: Pool) -> None:
        self.engines = started
        self.writer = PostgresFeatureWriter(pool)
        self.reads = PostgresFeatures(Reads(pool))
        self.twin = Twin()
        self._turn = asyncio.Lock()
        self.decided: list[Check] = []

    async def decide(self, asked: Check, engine: int = 0) -> Features:
        """Decides, and holds what was seen against the twin: what every tenant has is always there and right."""
        async with self._turn:
            (seen,) = await self.engines[engine].see(asked)
            said = self.twin.check(asked)
            assert {name: value for name, value in seen_by(seen).items() if name in said} == said, asked
            self.decided.append(asked)
        return seen

    async def value(self, name: str, asked: Check, engine: int = 0) -> object:
        return seen_by(await self.decide(asked, engine)).get(name)

    async def until(self, name: str, make: Callable[[], Check], processes: int = 1) -> object:
        """Decides until a feature has a value in so many processes, never from the store."""
        knowing = set[int]()
        async with asyncio.timeout(30):
            while True:
                engine = random.randrange(2)
                seen = await self.decide(make(), engine)
                assert seen.degraded == ()
                value = seen_by(seen).get(name)
                if value is not None:
                    knowing.add(engine)
                if len(knowing) == processes:
                    return value
                await asyncio.sleep(0.05)

    async def until_head(self, tenant: str, head: FeatureHead) -> None:
        async def reached() -> bool:
            return FeatureHead.of(await self.reads.declared(tenant)) == head

        await eventually(reached, 30)

    async def verify(self, tenant: str, *only: str) -> Verified:
        engine = self.engines[0]
        return await verify(engine.pool, engine.logs, tenant, *only, known=engine.sets)

    async def label(self, tenant: str, *labels: NewLabel) -> None:
        """Stores labels, and tells the logs of them."""
        engine = self.engines[0]
        service = LabelService(PostgresLabels(Reads(engine.pool)), lambda: datetime.now(UTC))
        async with PostgresLabelWriter(engine.pool).begin(tenant) as changes:
            results = await service.store(changes, "alice", labels)
        told = [each.label for each in results if isinstance(each, ToldLabel)]
        assert len(told) == len(labels), results
        untold = PostgresUntoldLabels(engine.pool, engine.pool)
        await LabelTeller(engine.logs, engine.sets, untold).tell(tenant, told)

    async def declare(self, tenant: str, *new: Definition, without: Sequence[str] = ()) -> int:
        return (await declare(self.writer, tenant, *new, without=without)).number


@pytest.fixture
def ip(tmp_path: Path) -> FileIpIntelligence:
    """Knows the places of a file that is not there yet."""
    return FileIpIntelligence({"country": [tmp_path / "city.mmdb"]})


@pytest.fixture
async def tenants(lone_redis: Redis, lone_database: Database, ip: FileIpIntelligence) -> AsyncIterator[Tenants]:
    async with AsyncExitStack() as stack:
        started, tasks = [], []
        for poll in (0.06, 3_600.0):
            pool, reading = await open_pool(lone_database.dsn), await open_pool(lone_database.dsn, size=3)
            for each in (pool, reading):
                stack.push_async_callback(each.close)
            known = Configurations(
                PostgresDeclarations(reading), lambda found: compiled(found, compile_pattern), poll=poll
            )
            started.append(Engine(lone_redis, pool, configurations=known, stale_seconds=STALE, ip=ip))
            tasks.append(asyncio.create_task(known.run()))
            stack.push_async_callback(settled, started[-1].logs)
        await stack.enter_async_context(keeping(started[0], lone_database, settled_seconds=SETTLED))
        found = Tenants(started, started[0].pool)
        for engine in started:
            await eventually(_whole(engine))
        yield found
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _whole(engine: Engine) -> Callable[[], Awaitable[bool]]:
    tenant = new_tenant()
    return lambda: engine.whole(tenant)


def now() -> datetime:
    return milliseconds(datetime.now(UTC))


def paid(tenant: str, card: str = "", **changed: Any) -> Check:
    asked = check(tenant, **({"event_time": now()} | changed))
    if card:
        asked.fields = {**asked.fields, "card_fingerprint": card}
    return asked


async def test_a_feature_over_what_logs_have_reads_all_history_at_once(tenants: Tenants, tenant: str) -> None:
    for number in range(6):
        await tenants.decide(paid(tenant), number % 2)
    await tenants.declare(tenant, MONTH)
    seen: list[object] = []

    async def is_seen() -> bool:
        seen.append(await tenants.value("user_month", paid(tenant), len(seen) % 2))
        return None not in seen[-2:] and len(seen) > 1

    await eventually(is_seen, 10)
    assert seen[-2:] == [len(tenants.decided) - 2, len(tenants.decided) - 1]
    # Each process begins to see it in a moment of its own, and sees all from then on.
    assert [
        value for value, right in zip(seen, range(6, 6 + len(seen)), strict=True) if value not in (None, right)
    ] == []


async def test_new_columns_are_missing_until_they_are_filled_and_then_exact(tenants: Tenants, tenant: str) -> None:
    for number in range(8):
        await tenants.decide(paid(tenant, f"card{number % 4}"), number % 2)
    await tenants.declare(tenant, CARDS)
    cards = {f"card{number}" for number in range(4)}

    def pay() -> Check:
        cards.add(f"card{len(cards)}")
        return paid(tenant, f"card{len(cards) - 1}")

    first = await tenants.until("cards", pay)
    assert first == len(cards) - 1 > 4
    for engine in (0, 1, 0):
        found = await tenants.decide(pay(), engine)
        if (value := seen_by(found).get("cards")) is not None:
            assert value == len(cards) - 1
    await tenants.until_head(tenant, FeatureHead(1, 1))
    assert await tenants.until("cards", pay, processes=2) == len(cards) - 1


async def test_a_wider_window_than_logs_go_back_is_filled(tenants: Tenants, tenant: str) -> None:
    for days in (6, 5, 3, 0):
        await tenants.decide(paid(tenant, event_time=now() - timedelta(days=days)))
    await tenants.declare(tenant, WEEK, MONTH)
    count = await tenants.until("merchant_week", lambda: paid(tenant))
    assert count == len(tenants.decided) - 1


async def test_nobody_sees_less_while_processes_learn_of_changes_one_after_the_other(
    tenants: Tenants, tenant: str
) -> None:
    """Columns come and go under traffic; what every tenant has is exact all along, and so is what there is else."""
    stop, dice = asyncio.Event(), random.Random(7)

    async def pay(engine: int) -> None:
        while not stop.is_set():
            asked = paid(tenant, f"card{dice.randrange(9)}", user_id=f"u{dice.randrange(3)}")
            seen = await tenants.decide(asked, engine)
            assert seen.degraded == ()
            before = tenants.decided[: tenants.decided.index(asked)]
            for name, value in seen_by(seen).items():
                if name.startswith("cards") and value is not None:
                    assert value == _cards(before, asked), name

    paying = [asyncio.create_task(pay(engine)) for engine in (0, 1)]
    try:
        await tenants.declare(tenant, CARDS)
        await asyncio.sleep(0.5)
        number = await tenants.declare(tenant, counting("ip_month", key="ip_address", window_ms=30 * DAY_MS))
        await tenants.until_head(tenant, FeatureHead(number, number))
        await tenants.declare(tenant, without=["cards"])
        await asyncio.sleep(0.2)
        number = await tenants.declare(tenant, _named("cards_again"), without=["ip_month"])
        await tenants.until_head(tenant, FeatureHead(number, number))
        await asyncio.sleep(0.3)
    finally:
        stop.set()
        await asyncio.gather(*paying)
    assert await tenants.value("cards_again", paid(tenant, "card0", user_id="u0"), 1) is not None
    found = await tenants.verify(tenant)
    assert found.causes <= {Cause.FILLING}, found.differences
    assert (found.summary.decisions, found.summary.skipped) == (len(tenants.decided), 0)


async def test_labels_are_counted_in_filled_logs_after_a_loss_and_once_all_is_there_again(
    tenants: Tenants, tenant: str, lone_redis: Redis
) -> None:
    paid_for = [paid(tenant, event_time=now() - timedelta(minutes=10 - number)) for number in range(6)]
    for number, asked in enumerate(paid_for):
        await tenants.decide(asked, number % 2)
    first, second, third, *_ = (each.transaction_id for each in paid_for)
    # Of the third it was said first that it is legitimate, and then that this was wrong.
    await tenants.label(tenant, said(first), said(second), said(third, "legitimate"))
    await tenants.label(tenant, said(second, "false_positive"), said(third, "chargeback"))
    await tenants.declare(tenant, FRAUD, SHARE)
    assert await tenants.until("merchant_fraud", lambda: paid(tenant), processes=2) == 2
    await tenants.label(tenant, said(paid_for[3].transaction_id))
    for engine in (0, 1):
        seen = seen_by(await tenants.decide(paid(tenant), engine))
        assert (seen["merchant_fraud"], seen["merchant_share"]) == (3, 3 / (len(tenants.decided) - 1))
    await lone_redis.flushall()
    lost, restored = [await tenants.decide(paid(tenant), engine) for engine in (0, 1)]
    assert lost.degraded == ("features_slow_path",)
    assert seen_by(lost)["merchant_fraud"] == seen_by(restored)["merchant_fraud"] == 3
    await eventually(lambda: tenants.engines[0].whole(tenant), 30)
    await tenants.label(tenant, said(first, "legitimate"))
    assert await tenants.until("merchant_fraud", lambda: paid(tenant), processes=2) == 2
    found = await tenants.verify(tenant)
    assert found.causes <= {Cause.FILLING, Cause.SLOW_PATH}, found.differences


def _named(name: str) -> Definition:
    return counting(name, aggregate=Aggregate.DISTINCT, field="card_fingerprint", window_ms=30 * DAY_MS)


def _cards(before: Sequence[Check], asked: Check) -> int:
    own = [each for each in before if each.user_id == asked.user_id]
    return len({each.fields["card_fingerprint"] for each in own if "card_fingerprint" in each.fields})


async def test_a_log_that_was_not_written_for_a_while_is_not_read_on(tenants: Tenants, tenant: str) -> None:
    await tenants.declare(tenant, CARDS)
    await tenants.until("cards", lambda: paid(tenant, "card0"))
    await tenants.until_head(tenant, FeatureHead(1, 1))
    for engine in (0, 1):
        await tenants.decide(paid(tenant, "card0", user_id="later"), engine)
    number = await tenants.declare(tenant, without=["cards"])
    await tenants.until_head(tenant, FeatureHead(number, number))
    for card in ("card1", "card2"):
        for engine in (0, 1):
            await tenants.decide(paid(tenant, card, user_id="later"), engine)
    await tenants.declare(tenant, CARDS)
    value = await tenants.until("cards", lambda: paid(tenant, "card0", user_id="later"))
    assert value == 3


async def test_a_loss_of_redis_while_logs_are_filled_changes_no_count(
    tenants: Tenants, tenant: str, lone_redis: Redis
) -> None:
    for number in range(6):
        await tenants.decide(paid(tenant, f"card{number}"))
    await tenants.declare(tenant, CARDS)
    await tenants.decide(paid(tenant, "card0"), 0)
    await lone_redis.flushall()
    for engine in (0, 1, 0, 1):
        value = await tenants.value("cards", paid(tenant, "card0"), engine)
        assert value in (None, 6)
    await tenants.until_head(tenant, FeatureHead(1, 1))
    await eventually(lambda: tenants.engines[0].whole(tenant), 30)
    for engine in (0, 1):
        assert await tenants.value("cards", paid(tenant, "card7"), engine) in (6, 7)


async def test_derived_features_follow_what_they_are_computed_of(tenants: Tenants, tenant: str) -> None:
    usual = counting("card_mean", key="card_fingerprint", aggregate=Aggregate.MEAN, field="amount")
    await tenants.declare(tenant, usual)
    await tenants.declare(tenant, DerivedFeature(name="times", event_type="payment", expression="amount / card_mean"))
    await tenants.until("card_mean", lambda: paid(tenant, "c", amount_minor=500), processes=2)
    seen = seen_by(await tenants.decide(paid(tenant, "c", amount_minor=2_000)))
    assert (seen["card_mean"], seen["times"]) == (500.0, 4.0)
    assert seen_by(await tenants.decide(paid(tenant, "other")))["times"] is None
    assert (await tenants.verify(tenant)).causes <= {Cause.FILLING}


async def test_logs_are_filled_and_restored_with_the_places_of_then(
    tenants: Tenants, tenant: str, lone_redis: Redis, ip: FileIpIntelligence, tmp_path: Path
) -> None:
    """Whatever the files say by then; and what is restored is, to the byte, what was appended."""
    await _know(ip, tmp_path, BERLIN)
    start, (one, other) = now() - timedelta(hours=1), tenants.engines
    await one.see(_from(tenant, "192.0.2.1", start))
    await _know(ip, tmp_path, SYDNEY)
    await tenants.declare(tenant, KMH)
    await tenants.until_head(tenant, FeatureHead(1, 1))
    in_oslo = seen_by((await other.see(_from(tenant, "203.0.113.1", start + HOUR / 2, "login")))[0])
    assert in_oslo["login_kmh"] == pytest.approx(speed_kmh(BERLIN, OSLO, 1_800), rel=1e-3)
    await one.see(_from(tenant, "192.0.2.1", start + HOUR / 4), _from(tenant, "10.0.0.1", start + HOUR / 3))
    appended = await _records(one, tenant)
    await _know(ip, tmp_path, BERLIN)
    await lone_redis.flushall()
    await eventually(lambda: one.whole(tenant), 30)
    in_oslo = seen_by((await other.see(_from(tenant, "203.0.113.1", start + HOUR / 2, "login")))[0])
    assert in_oslo["login_kmh"] == pytest.approx(speed_kmh(SYDNEY, OSLO, 900), rel=1e-3)
    assert await _records(one, tenant) == appended
    assert len({each.numbers for each in appended}) == len(appended) == 3
    verified = await tenants.verify(tenant, "login_kmh")
    assert verified.summary.values and Cause.UNEXPLAINED not in verified.causes, verified


HOUR = timedelta(hours=1)


async def _know(ip: FileIpIntelligence, folder: Path, city: GeoPoint) -> None:
    """Has 192.0.2.0/24 be in a city, and 203.0.113.0/24 always in Oslo."""
    located = {"192.0.2.0/24": city, "203.0.113.0/24": OSLO}
    names = ("latitude", "longitude", "accuracy_radius")
    write_mmdb(
        folder / "city.mmdb",
        {network: {"location": dict(zip(names, place, strict=True))} for network, place in located.items()},
    )
    await ip.load()
    assert ip.look_up("192.0.2.1") == (False, True, None, None, None, city, None)


def _from(tenant: str, address: str, when: datetime, event_type: str = "payment") -> Check:
    asked = check(tenant, event_time=when, ip=address)
    asked.event_type = event_type
    return asked


async def _records(engine: Engine, tenant: str) -> Sequence[LogRecord]:
    """The records of the user's payments in the log that has places, as if none of them was restored."""
    features = engine.sets.of(tenant)
    ((recorder, stream, _),) = [each for each in features.recordings(tenant, "payment") if each.recorder.plan.has_place]
    loaded = engine.logs.load(LogKey(stream, "u1"), recorder.layout.size, 40 * 86_400)
    found = [record for part in [each async for each in loaded] for record in recorder.layout.unpack_all(part.records)]
    return sorted({each._replace(restored=False, attempt=0) for each in found if each.type == 0})


async def test_logs_that_are_wrong_are_not_believed_once_they_are_rebuilt_while_checks_go_on(
    tenants: Tenants, tenant: str
) -> None:
    def own() -> Check:
        return paid(tenant, user_id="u7", device="", ip="", merchant="")

    engine, ghost = tenants.engines[0], own()
    reading = await engine.reader.read([ghost], patiently())
    engine.reader.settle(reading, [ghost], ())
    wrong = own()
    assert seen_by((await engine.see(wrong))[0])["user_count_1h"] == 1
    tenants.twin.check(wrong)
    rebuilt = asyncio.Event()

    async def pay() -> None:
        while not rebuilt.is_set():
            assert (await tenants.decide(paid(tenant), random.randrange(2))).degraded == ()

    paying = asyncio.create_task(pay())
    async with asyncio.timeout(30):
        rebuilds = Rebuilds(tenants.reads, tenants.writer, poll_seconds=0.05)
        states = [each async for each in rebuilds.rebuild(tenant)]
    rebuilt.set()
    await paying
    assert states == [RebuildProgress("filling", 1), RebuildProgress("done", 1)]
    for number in (1, 0):
        await eventually(partial(_reads, tenants.engines[number], tenant, 1))
        assert await tenants.value("user_count_1h", own(), number) == 2 - number
    found = await tenants.verify(tenant)
    assert {each.transaction_id for each in found.differences} == {wrong.transaction_id}
    assert found.causes == {Cause.UNEXPLAINED}


async def _reads(engine: Engine, tenant: str, number: int) -> bool:
    """Tells whether a process reads the logs of a set."""
    await engine.sets.prepare([tenant])
    return engine.sets.of(tenant).head.ready == number


async def test_who_asks_for_a_rebuild_that_is_under_way_follows_it(tenants: Tenants, tenant: str) -> None:
    await tenants.decide(paid(tenant))
    rebuilds = Rebuilds(tenants.reads, tenants.writer, poll_seconds=0.05)

    async def follow() -> list[RebuildProgress]:
        return [each async for each in rebuilds.rebuild(tenant)]

    async with asyncio.timeout(30):
        told = await asyncio.gather(follow(), follow())
    assert list(told) == [[RebuildProgress("filling", 1), RebuildProgress("done", 1)]] * 2
