"""How fast a user must have travelled, as decisions see it: by the places of then, whatever is known of them now."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from services.fraud.adapters.memory_ip import MemoryIpIntelligence
from services.fraud.domain.backtests.backtest import BacktestValues
from services.fraud.domain.declared.declaration import DerivedFeature
from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.ip_signals import IpSignals
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.domain.scenarios.scenario import ScenarioVersion
from services.fraud.domain.travel import GeoPoint, speed_kmh
from services.fraud.service.deciding.decider import Outcome
from tests.support.backtests import BacktestBench
from tests.support.deciding import DecidingBench, ruled, version_of
from tests.support.features import DAY_MS
from tests.support.fraud import new_tenant

BERLIN, TOKYO, OSLO = GeoPoint(52.52, 13.405, 20.0), GeoPoint(35.68, 139.69, 50.0), GeoPoint(59.91, 10.75)
AT = {"berlin": "192.0.2.1", "tokyo": "198.51.100.1", "oslo": "203.0.113.1", "nowhere": "10.0.0.1"}
PLACES = {"192.0.2.0/24": BERLIN, "198.51.100.0/24": TOKYO, "203.0.113.0/24": OSLO}
KMH = Feature(
    name="user_travel_kmh", event_type="payment", key=("user_id",), aggregate=Aggregate.TRAVEL_SPEED,
    field="ip_address", window_ms=DAY_MS,
)  # fmt: skip
MINUTE = timedelta(minutes=1)


@dataclass
class Files:
    """Knows the addresses of a few cities, counts who asks, and can be told something else or nothing."""

    known: MemoryIpIntelligence = field(default_factory=lambda: MemoryIpIntelligence({"place": PLACES}))
    asked: int = 0

    @property
    def missing(self) -> Collection[str]:
        return self.known.missing

    def look_up(self, address: str) -> IpSignals | None:
        self.asked += 1
        return self.known.look_up(address)


RULE = version_of(1, ruled("TRAVEL", "user_travel_kmh > 1000.0"), features=[KMH])


def bench_of(files: Files, version: ScenarioVersion = RULE, features: Any = (KMH,)) -> DecidingBench:
    return DecidingBench(Deployment(live=version.ref), (version,), features=features, ip=files, step=10 * MINUTE)


async def pay(bench: DecidingBench, city: str, tenant: str = "", **more: Any) -> Outcome:
    (found,) = await bench.decide(tenant or TENANT, {"user_id": "u1", "ip_address": AT[city], **more})
    return found


TENANT = new_tenant()


def kmh(outcome: Outcome) -> FeatureValue:
    assert outcome.decided is not None
    features = outcome.decided.features
    return features.values[features.set.names.index(KMH.name)]


def codes(outcome: Outcome) -> set[str]:
    assert outcome.decided is not None
    return {factor.code for factor in outcome.decided.verdict.factors}


async def test_nobody_is_in_two_cities_within_ten_minutes() -> None:
    bench = bench_of(Files())
    first, second, third = [await pay(bench, city) for city in ("berlin", "tokyo", "tokyo")]
    assert (kmh(first), kmh(third)) == (None, 0.0)
    assert kmh(second) == pytest.approx(speed_kmh(BERLIN, TOKYO, 600), rel=1e-4)
    assert [codes(each) for each in (first, second, third)] == [set(), {"TRAVEL"}, set()]
    assert not any(each.decided and each.decided.degraded for each in (first, second, third))


async def test_events_of_which_no_place_is_known_do_not_count() -> None:
    bench = bench_of(Files())
    values = [kmh(await pay(bench, city)) for city in ("berlin", "nowhere", "nowhere", "oslo")]
    assert values == [None, None, None, pytest.approx(speed_kmh(BERLIN, OSLO, 1_800), rel=1e-3)]


async def test_a_late_event_is_held_against_the_one_before_it_and_not_after() -> None:
    bench = bench_of(Files())
    await pay(bench, "oslo")
    await pay(bench, "tokyo")
    late = await pay(bench, "berlin", event_time=bench.now - 5 * MINUTE)
    assert kmh(late) == pytest.approx(speed_kmh(OSLO, BERLIN, 300), rel=1e-3)
    assert kmh(await pay(bench, "tokyo")) == 0.0, "of the two the last by its own time counts"


async def test_a_check_looks_an_address_up_once_for_its_logs_and_its_rules() -> None:
    files = Files()
    await pay(bench_of(files), "berlin")
    assert files.asked == 1


async def test_without_a_feature_that_needs_places_nothing_is_looked_up_for_logs() -> None:
    version = version_of(1, ruled("HIGH", "amount > 100.0"))
    bench = bench_of(Files(), version, features=())
    found = await pay(bench, "berlin")
    assert found.decided is not None and found.decided.features.ip is None
    assert bench.of(TENANT).placed == frozenset()


async def test_what_is_read_from_the_history_are_the_places_of_then() -> None:
    files = Files()
    bench, kept = bench_of(files), bench_of(files)
    for each in (bench, kept):
        await pay(each, "berlin")
    files.known = MemoryIpIntelligence({"place": {"192.0.2.0/24": TOKYO, "203.0.113.0/24": TOKYO}})
    bench.logs.lose()
    seen, expected = await pay(bench, "oslo"), await pay(kept, "oslo")
    assert seen.decided is not None and seen.decided.features.degraded == ("features_slow_path",)
    assert kmh(seen) == kmh(expected) == pytest.approx(speed_kmh(BERLIN, TOKYO, 600), rel=1e-3)


DERIVED = DerivedFeature(name="times_airliner", event_type="payment", expression="user_travel_kmh / 900.0")
MORE = DerivedFeature(name="more", event_type="payment", expression="times_airliner * 2.0")


@pytest.mark.parametrize(
    ("expression", "degraded"),
    [
        ("user_travel_kmh > 1000.0", ("ip_intelligence",)),
        ("present(user_travel_kmh)", ("ip_intelligence",)),
        ("more > 1.0", ("ip_intelligence",)),
        ("amount > 100.0", ()),
    ],
)
async def test_without_files_a_version_that_asks_for_travel_says_so(expression: str, degraded: tuple[str, ...]) -> None:
    version = version_of(1, ruled("TRAVEL", expression), features=[KMH], derived=["times_airliner", "more"])
    files = Files()
    bench = bench_of(files, version, (KMH, DERIVED, MORE))
    for known, expected in ((False, degraded), (True, ())):
        files.known = MemoryIpIntelligence({"place": PLACES} if known else {})
        found = [await pay(bench, city, user_id=f"u{known}") for city in ("berlin", "tokyo")]
        assert [each.decided and each.decided.degraded for each in found] == [expected, expected]
        assert (kmh(found[-1]) is not None) is known


async def test_a_backtest_sees_the_speeds_that_were_seen() -> None:
    tenant, dice = new_tenant(), random.Random(4)
    asked = [
        {
            "transaction_id": f"t{n}",
            "user_id": f"u{dice.randrange(3)}",
            "ip_address": AT[dice.choice([*AT])],
        }
        for n in range(90)
    ]
    rules = ruled("FAST", "user_travel_kmh > 2000.0", 0.9), ruled("SEEN", "present(user_travel_kmh)")
    other = version_of(2, *rules, features=[KMH])
    files = Files()
    then, now = bench_of(files), bench_of(files, other)
    outcomes = [await bench.decide(tenant, *map(dict, asked)) for bench in (then, now)]
    files.known = MemoryIpIntelligence({})
    backtest = BacktestBench(then, tenant, features=then.of(tenant).set)
    found = await backtest.result(other, BacktestValues.RECOMPUTED)
    for told, made in ((found.before, outcomes[0]), (found.after, outcomes[1])):
        assert told == Counter(code for each in made for code in codes(each))
    assert 0 < found.after["FAST"] < found.after["SEEN"] < 90
