"""Windows of more than 30 days, as checks see them: from totals of days and from logs, and never a part of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from meshkit.errors import unavailable
from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.memory import MemoryStore
from services.fraud.adapters.memory_daily import MemoryDailyTotals
from services.fraud.adapters.memory_event_types import MemoryDeclarations
from services.fraud.adapters.memory_features import MemoryFeatureHeads, MemoryFeatures, MemoryFeatureWriter
from services.fraud.domain.check import Check, Features
from services.fraud.domain.declared.declaration import Definition, DerivedFeature
from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.known import known_features
from services.fraud.domain.event import Money, StoredEvent
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.ports import DailyKey
from services.fraud.service.daily import keeping as daily_keeping
from services.fraud.service.daily.keeping import DailyKeeper
from services.fraud.service.features.reading import FeatureReader
from services.fraud.service.tenants.configuration import Configurations, compiled
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures
from tests.support.features import DAY_MS, HOUR_MS, counting, declare
from tests.support.fraud import check, read
from tests.support.readers import patiently, reader_of

TENANT = "7b0f9a52-6c1e-4d3a-9f10-2d4c6a8e0b11"
OTHER = "0190b6ae-0000-7000-8000-000000000001"
START = datetime(2026, 4, 1, tzinfo=UTC)
UNSETTLED = timedelta(minutes=10)
YEAR = counting("year", window_ms=365 * DAY_MS)
MEAN = counting("mean", window_ms=365 * DAY_MS, aggregate=Aggregate.MEAN, field="amount", include_current=True)


class Totals(MemoryDailyTotals):
    """Totals that may be slow, or out of reach."""

    slow = False
    away = False
    reads = 0

    async def read(self, keys: Sequence[DailyKey]) -> Mapping[DailyKey, bytes]:
        self.reads += 1
        if self.slow:
            await asyncio.sleep(60)
        if self.away:
            raise unavailable("postgres")
        return await super().read(keys)


def _first_id(when: datetime) -> UUID:
    return UUID(int=int(when.timestamp() * 1000) << 80)


class World:
    """Two processes and a keeper. Time goes on as `now` is set."""

    def __init__(self) -> None:
        self.now = START
        self.declarations = MemoryDeclarations()
        features = MemoryFeatures(self.declarations)
        self.writer, self.heads = MemoryFeatureWriter(features), MemoryFeatureHeads(features)
        self.known = Configurations(self.declarations, lambda found: compiled(found, compile_pattern))
        self.decided: dict[str, list[tuple[UUID, StoredEvent]]] = {}
        self.totals = Totals(
            lambda tenant: self.decided.get(tenant, ()),
            lambda: _first_id(self.now - UNSETTLED),
            lambda: _first_id(self.now - timedelta(days=1)),
            self.declarations,
        )
        self.logs = MemoryLogs(lambda: self.now.timestamp())
        self.readers = [self.reader() for _ in range(2)]
        self.keeper = self.another_keeper()

    def reader(self) -> FeatureReader:
        sets = ConfiguredFeatures(self.known)
        found = reader_of(self.logs, MemoryStore(), sets, clock=lambda: self.now, daily=self.totals)
        found._beside.daily._clock = lambda: self.now.timestamp()
        found._beside.daily._read_seconds = 0.05
        return found

    def another_keeper(self) -> DailyKeeper:
        sets = ConfiguredFeatures(self.known)
        return DailyKeeper(totals=self.totals, heads=self.heads, sets=sets, clock=lambda: self.now)

    async def declare(self, *new: Definition, tenant: str = TENANT, without: Sequence[str] = ()) -> None:
        await declare(self.writer, tenant, *new, without=without)
        ((head, _),) = [each for name, each in (await self.heads.all()).items() if name == tenant]
        await self.heads.move(tenant, head, head.next())
        await self.known.refresh()

    async def total(self) -> None:
        """Goes through all tenants until nothing is left to do."""
        while await self.keeper.round():
            await self.known.refresh()
        await self.known.refresh()

    def store(self, asked: Check) -> None:
        own = self.decided.setdefault(asked.tenant_id, [])
        made = UUID(int=_first_id(self.now).int + len(own) + 1)
        assert asked.event_time is not None
        event = StoredEvent(asked.transaction_id, asked.event_type, asked.event_time, self.now, asked.fields)
        own.append((made, event))

    async def read(self, asked: Sequence[Check], process: int = 0) -> Sequence[Features]:
        reading = await self.readers[process].read(asked, patiently(as_of_first=True))
        return read(reading.features)

    async def see(self, asked: Check, process: int = 0) -> Features:
        (found,) = await self.read([asked], process)
        self.store(asked)
        return found

    async def value(self, name: str, asked: Check, process: int = 0) -> object:
        return _named(await self.see(asked, process))[name]

    async def states(self, tenant: str = TENANT) -> Mapping[str, bool]:
        found = known_features((await self.declarations.read(tenant)).features, BUILT_IN)
        return {name: each.is_read for name, each in found.items() if not each.built_in}


@pytest.fixture
def world() -> World:
    return World()


def _named(found: Features) -> Mapping[str, object]:
    return dict(zip(found.set.names, found.values, strict=True))


def pay(world: World, late: timedelta = timedelta(0), tenant: str = TENANT, **changed: Any) -> Check:
    return check(tenant, event_time=world.now - late, **changed)


def _inside(feature: Feature, now: datetime, then: datetime) -> bool:
    midnight = then.replace(hour=0, minute=0, second=0, microsecond=0)
    end = now - timedelta(milliseconds=feature.delay_ms)
    return then <= end and midnight > end - timedelta(milliseconds=feature.window_ms)


def _scan(feature: Feature, before: Sequence[Check], asked: Check) -> object:
    """Counts by looking at every payment that came before."""
    assert asked.event_time is not None
    amounts = [
        each.amount_minor
        for each in before
        if each.event_time and _inside(feature, asked.event_time, each.event_time)
        and all(each.fields[name] == asked.fields[name] for name in feature.key)
        and (not feature.where or each.amount_minor > 5_000)
        and (feature.aggregate is Aggregate.COUNT or each.currency == asked.currency)
    ]  # fmt: skip
    if feature.include_current:
        amounts.append(asked.amount_minor)
    if feature.aggregate is Aggregate.COUNT:
        return len(amounts)
    if feature.aggregate is Aggregate.SUM:
        return sum(amounts)
    return None if not amounts else sum(amounts) / len(amounts) if feature.aggregate is Aggregate.MEAN else max(amounts)


SCANNED = (
    YEAR,
    counting("pair_large", key="user_id+merchant_id", window_ms=200 * DAY_MS, where="amount > 50.0"),
    MEAN,
    counting("quarter_sum", window_ms=90 * DAY_MS, aggregate=Aggregate.SUM, field="amount", delay_ms=7 * DAY_MS),
    counting("merchant_max", key="merchant_id", window_ms=400 * DAY_MS, aggregate=Aggregate.MAX, field="amount",
             include_current=True),
)  # fmt: skip


async def test_two_processes_see_over_more_than_a_year_what_a_scan_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily_keeping, "PAGE", 7)
    monkeypatch.setattr(daily_keeping, "PAGES", 3)
    dice, before = random.Random(5), list[Check]()
    await world.declare(*SCANNED)
    await world.total()
    for _ in range(150):
        world.now += timedelta(hours=dice.choice((24, 60, 120)), milliseconds=dice.randrange(1_000))
        await world.total()
        late = timedelta(days=dice.choice((1, 10, 29, 30)) if dice.random() < 0.2 else 0)
        midnight = world.now.replace(hour=0, minute=0, second=0, microsecond=0)
        asked = pay(
            world,
            late if dice.random() < 0.7 else world.now - midnight + late,
            user_id=f"u{dice.randrange(2)}",
            merchant=f"m{dice.randrange(2)}",
            amount_minor=dice.randrange(10_000),
            currency=dice.choice(("EUR", "USD")),
        )
        seen = await world.see(asked, dice.randrange(2))
        assert seen.degraded == ()
        values = _named(seen)
        for feature in SCANNED:
            assert values[feature.name] == pytest.approx(_scan(feature, before, asked)), (feature.name, asked)
        before.append(asked)


async def test_a_feature_is_filling_until_all_that_is_kept_is_totalled(world: World) -> None:
    for days in (300, 200, 100, 0):
        world.now = START - timedelta(days=days)
        world.store(pay(world))
    world.now = START + timedelta(hours=1)
    await world.declare(YEAR)
    await world.declare(DerivedFeature(name="half", event_type="payment", expression="double(year) / 2.0"))
    assert await world.states() == {"year": False, "half": False}
    seen = await world.see(pay(world, user_id="other"))
    assert (_named(seen)["year"], _named(seen)["half"], seen.degraded) == (None, None, ())
    await world.total()
    assert await world.states() == {"year": True, "half": True}
    # The logs of this test do not have what was only stored: that of today is not in a total that is read.
    seen = await world.see(pay(world))
    assert (_named(seen)["year"], _named(seen)["half"]) == (3, 1.5)


async def test_an_event_that_comes_later_than_logs_reach_counts_once_its_day_is_totalled_again(world: World) -> None:
    await world.declare(YEAR)
    await world.total()
    world.now += timedelta(days=100)
    await world.total()
    assert await world.value("year", pay(world)) == 0
    assert await world.value("year", pay(world, timedelta(days=50))) == 0
    assert await world.value("year", pay(world)) == 1, "the late one is not totalled yet"
    world.now += timedelta(hours=2)
    await world.total()
    for process in (0, 1):
        assert await world.value("year", pay(world), process) == 3 + process


async def test_totals_are_read_once_an_hour_for_a_key(world: World) -> None:
    await world.declare(YEAR)
    await world.total()
    for _ in range(5):
        await world.see(pay(world))
    assert world.totals.reads == 1
    await world.see(pay(world, user_id="u2"))
    world.now += timedelta(hours=1, seconds=1)
    await world.see(pay(world))
    assert world.totals.reads == 3


@pytest.mark.parametrize("way", ["slow", "away"])
async def test_without_totals_in_time_features_are_missing_and_the_check_says_so(world: World, way: str) -> None:
    await world.declare(YEAR, counting("month", window_ms=30 * DAY_MS))
    await world.total()
    setattr(world.totals, way, True)
    seen = await world.see(pay(world))
    assert (_named(seen)["year"], _named(seen)["month"], seen.degraded) == (None, 0, ("daily_totals",))
    reads = world.totals.reads
    await world.see(pay(world))
    assert world.totals.reads == reads, "nobody waits again at once"
    setattr(world.totals, way, False)
    world.now += timedelta(seconds=2)
    seen = await world.see(pay(world))
    assert (_named(seen)["year"], seen.degraded) == (2, ())


async def test_totals_that_stay_behind_are_not_used(world: World) -> None:
    await world.declare(YEAR)
    await world.total()
    world.now += timedelta(days=1, minutes=20)
    seen = await world.see(pay(world))
    assert (_named(seen)["year"], seen.degraded) == (None, ("daily_totals",))


async def test_with_logs_and_totals_away_a_check_says_both(world: World) -> None:
    await world.declare(YEAR)
    await world.total()
    world.totals.away, world.logs.available = True, False
    assert (await world.see(pay(world))).degraded == ("features_slow_path", "daily_totals")


async def test_an_event_of_so_long_ago_that_its_days_are_not_kept_has_no_value(world: World) -> None:
    await world.declare(YEAR)
    await world.total()
    assert await world.value("year", pay(world, timedelta(days=60))) == 0
    assert await world.value("year", pay(world, timedelta(days=200))) is None
    seen = await world.see(pay(world, timedelta(days=200)))
    assert seen.degraded == ()


async def test_a_repeated_check_reads_the_exact_part_as_it_was(world: World) -> None:
    await world.declare(YEAR)
    await world.total()
    first = pay(world)
    assert await world.value("year", first) == 0
    await world.see(pay(world))
    (again,) = await world.read([first], 1)
    assert _named(again)["year"] == 0


async def test_another_keeper_goes_on_where_one_ended_and_two_at_once_count_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daily_keeping, "PAGE", 5)
    monkeypatch.setattr(daily_keeping, "PAGES", 1)
    for number in range(40):
        world.now = START - timedelta(days=100 - number)
        world.store(pay(world))
    world.now = START
    await world.declare(YEAR)
    assert await world.keeper.round()
    keepers = [world.another_keeper(), world.another_keeper()]
    for _ in range(30):
        await asyncio.gather(*(each.round() for each in keepers))
    await world.known.refresh()
    assert await world.value("year", pay(world)) == 40


async def test_a_second_feature_is_filled_beside_the_first_and_shares_what_it_can(world: World) -> None:
    for days in (200, 100):
        world.now = START - timedelta(days=days)
        world.store(pay(world, merchant="m1"))
    world.now = START
    await world.declare(YEAR)
    await world.total()
    world.now += timedelta(hours=1)
    await world.declare(counting("half_year", window_ms=182 * DAY_MS))
    assert (await world.states())["half_year"], "days are totalled whatever the window"
    await world.declare(counting("shop", key="merchant_id", window_ms=365 * DAY_MS))
    assert not (await world.states())["shop"]
    assert await world.value("year", pay(world)) == 2
    await world.total()
    values = _named(await world.see(pay(world)))
    assert [values[name] for name in ("year", "half_year", "shop")] == [3, 2, 3]


async def test_the_totals_of_a_retired_feature_are_deleted_and_made_anew_when_it_comes_again(world: World) -> None:
    world.now = START - timedelta(days=100)
    world.store(pay(world))
    world.now = START
    await world.declare(YEAR)
    await world.total()
    assert world.totals.totals
    await world.declare(without=["year"])
    await world.total()
    assert (world.totals.totals, world.totals.reach) == ({}, {})
    await world.declare(YEAR)
    assert not (await world.states())["year"]
    await world.total()
    assert await world.value("year", pay(world)) == 1


async def test_a_stream_that_nobody_totals_any_more_does_not_go_on(world: World) -> None:
    """Else what was decided in between would be missing, were the feature declared again before it is deleted."""
    await world.declare(YEAR, counting("shop", key="merchant_id", window_ms=365 * DAY_MS))
    await world.total()
    reached = dict(world.totals.reach)
    await world.declare(without=["shop"])
    world.now += timedelta(hours=1)
    assert await world.keeper._go_on(TENANT)
    assert world.totals.reach == reached


async def test_tenants_without_such_features_are_looked_at_once(world: World) -> None:
    await world.declare(counting("month", window_ms=30 * DAY_MS))
    asked: list[str] = []
    streams = world.totals.streams

    async def counted(tenant_id: str) -> object:
        asked.append(tenant_id)
        return await streams(tenant_id)

    world.totals.streams = counted  # type: ignore[method-assign,assignment]
    for _ in range(3):
        await world.total()
    assert asked == [TENANT]


async def test_the_same_value_of_another_tenant_is_another_key(world: World) -> None:
    for tenant in (TENANT, OTHER):
        await world.declare(YEAR, tenant=tenant)
    world.now = START - timedelta(days=100)
    world.store(pay(world, tenant=OTHER))
    world.now = START
    await world.total()
    seen = await world.read([pay(world), pay(world, tenant=OTHER)])
    assert [_named(each)["year"] for each in seen] == [0, 1]


async def test_currencies_are_apart_and_a_missing_key_or_amount_is_missing(world: World) -> None:
    world.now = START - timedelta(days=100)
    for minor, currency in ((100, "EUR"), (300, "EUR"), (9_000, "JPY")):
        world.store(pay(world, amount_minor=minor, currency=currency))
    world.now = START
    total = replace(MEAN, name="mean_before", include_current=False)
    await world.declare(total, counting("per_device", key="device_fingerprint", window_ms=40 * DAY_MS))
    await world.total()
    euros = _named(await world.see(pay(world, currency="EUR", device="")))
    assert (euros["mean_before"], euros["per_device"]) == (200.0, None)
    without = pay(world)
    without.fields = {name: each for name, each in without.fields.items() if not isinstance(each, Money)}
    assert _named(await world.see(without))["mean_before"] is None


def test_logs_are_kept_no_longer_for_it() -> None:
    assert YEAR.reach_ms == 30 * DAY_MS
    assert counting("n", window_ms=HOUR_MS, delay_ms=5).reach_ms == HOUR_MS + 5
