"""Windows of more than 30 days are what a scan of a plain list says, however their days were totalled."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from services.fraud.domain.declared.daily import BY_DAY, daily_days, daily_stream
from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.plan import KindFilter
from services.fraud.domain.declared.recording import currency_of
from services.fraud.domain.event import Fields, Money
from services.fraud.domain.logs.day_recording import DayRecorder, StreamValue
from services.fraud.domain.logs.days import Days, DayTotal, merged_days, pack_days, total_of, unpack_days
from services.fraud.domain.logs.fold import Fold
from services.fraud.domain.logs.readers import finished
from tests.support.brute_force import BruteForce
from tests.support.log_streams import DAY_MS, TYPES, every_feature, plan_of

WINDOWS = (30 * DAY_MS + 1, 31 * DAY_MS, 90 * DAY_MS + 5_000, 365 * DAY_MS, 400 * DAY_MS)
FEATURES = [
    replace(each, delay_ms=30 * DAY_MS if each.delay_ms == 1_000 else each.delay_ms, converted=False)
    for each in every_feature(WINDOWS)
    if each.aggregate in BY_DAY
]
TODAY = 20_600 * DAY_MS
PARTS = 11
EDGES = (0, 1, DAY_MS - 1)


class Event(NamedTuple):
    type: str
    time: int
    fields: Fields


def _risky(fields: Fields) -> bool:
    return fields["device_fingerprint"] == "d0"


def _set(features: Sequence[Feature]) -> FeatureSet:
    filters = {KindFilter("risky", tuple(sorted(each.counted))): _risky for each in features if each.where}
    return FeatureSet("measured", features, TYPES, filters)


def _events(dice: random.Random, count: int, *, alike: bool) -> Iterator[Event]:
    """Events of some 500 days in order of arrival: many at the edges of days, many late. Alike they are of one type."""
    for number in range(count):
        day = TODAY - (count - number) * (500 * DAY_MS // count)
        if dice.random() < 0.3:
            day -= dice.choice((1, 20, 29, 30, 60)) * DAY_MS
        time = day // DAY_MS * DAY_MS + (dice.choice(EDGES) if dice.random() < 0.5 else dice.randrange(DAY_MS))
        fields: dict[str, Any] = {"user_id": "u", "device_fingerprint": f"d{0 if alike else dice.randrange(2)}"}
        if alike or dice.random() < 0.9:
            currency = "EUR" if alike else dice.choice(("EUR", "USD", "JPY"))
            fields["amount"] = Money(dice.choice((0, 7, 12_345, 10**8 if alike else 10**15)), currency)
        if alike or dice.random() < 0.9:
            fields["score"] = dice.choice((-1.5, 0.0, 3.25, 70.0 if alike else 9e12))
        yield Event("payment" if alike else dice.choice(("payment", "refund")), time, fields)


class Totals:
    """The totals of days, packed whenever they are read."""

    def __init__(self, features: FeatureSet) -> None:
        self._recorder = DayRecorder(features, {each.stream.number for each in features.daily})
        self._days: dict[StreamValue, dict[tuple[int, int], DayTotal]] = {}
        self._packed: dict[StreamValue, bytes] = {}

    def add(self, event: Event) -> None:
        for key, place, added in self._recorder.totals(event.type, event.fields, event.time):
            days = self._days.setdefault(key, {})
            days |= merged_days({place: days.get(place, DayTotal())}, {place: added})
            self._packed.pop(key, None)

    def total(self, key: StreamValue, currency: int, first: int, until: int) -> DayTotal:
        packed = self._packed.get(key)
        if packed is None:
            packed = self._packed[key] = pack_days(self._days.get(key, {}))
        return total_of(packed, currency, first, until)


def _same(found: object, said: object) -> bool:
    if isinstance(found, float) and isinstance(said, float):
        return abs(found - said) <= 1e-9 * max(1.0, abs(said))
    return found == said and type(found) is type(said)


@pytest.mark.parametrize("seed", range(PARTS))
def test_values_agree_with_a_scan_for_every_aggregate_window_and_condition(seed: int) -> None:
    chosen = FEATURES[seed::PARTS]
    assert {each.aggregate for each in chosen} == BY_DAY
    dice, features, plan = random.Random(seed), _set(chosen), plan_of(chosen)
    fold, twin, totals, compared = Fold(plan), BruteForce(plan), Totals(features), 0
    for number, event in enumerate(_events(dice, 80, alike=seed % 3 == 0)):
        recorder = features.recorder(plan, event.type)
        record = recorder.record(event.fields, currency_of(event.fields), event.time, dice.getrandbits(64), 0)
        if number % 9 == 0 and event.type == "payment":
            read, said = fold.read(record), twin.read(record)
            for place, feature, stream in features.daily:
                part = read[place]
                if isinstance(part, DayTotal):
                    currency = record.currency if stream.by_currency else 0
                    days = daily_days(feature, event.time)
                    whole = part.merged(totals.total(StreamValue(stream.number, "u"), currency, *days))
                    assert _same(finished(feature, event.time, whole), said[place]), (number, feature, whole)
                    compared += 1
                else:
                    assert read[place] is said[place] is None
        fold.add(record)
        twin.records.append(record)
        totals.add(event)
    assert compared > 50
    assert (fold.table is not None) == (seed % 3 == 0)


def test_logs_have_all_of_the_exact_part() -> None:
    """However a window lies: the days that are totalled end no earlier than 30 days before its own end."""
    for feature in FEATURES:
        for time in (TODAY, TODAY - 1, TODAY + 1, TODAY + DAY_MS // 2):
            _, until = daily_days(feature, time)
            assert until * DAY_MS > time - feature.reach_ms


@pytest.mark.parametrize("boundary", ["(]", "[)"])
def test_a_window_begins_with_the_first_day_that_begins_in_it(boundary: str) -> None:
    feature = next(each for each in FEATURES if each.boundary.value == boundary and not each.delay_ms)
    feature = replace(feature, window_ms=90 * DAY_MS)
    first = TODAY // DAY_MS - 90
    assert daily_days(feature, TODAY + 1)[0] == first + 1
    assert daily_days(feature, TODAY)[0] == (first + 1 if boundary == "(]" else first)


def test_days_are_packed_and_merged_without_loss() -> None:
    extreme = 2**63 - 1
    days: Days = {
        (20_000, 7): DayTotal(2**32 - 1, -extreme * 2**32, extreme**2 * 2**32, -extreme, extreme, 20_000 * DAY_MS,
                              20_001 * DAY_MS - 1),
        (20_000, 0): DayTotal(1, first=20_000 * DAY_MS + 5, last=20_000 * DAY_MS + 5),
    }  # fmt: skip
    assert unpack_days(pack_days(days)) == days
    assert len(pack_days(days)) == 144
    one = {(0, 0): DayTotal(1, 5, 25, 5, 5, 7, 7)}
    assert merged_days(one, {(0, 0): DayTotal(2, -4, 10, -3, -1, 3, 9)}) == {(0, 0): DayTotal(3, 1, 35, -3, 5, 3, 9)}
    assert total_of(pack_days(one), 0, 1, 2) == total_of(pack_days(one), 7, 0, 1) == DayTotal()


def test_what_is_totalled_is_named_by_what_counts_and_not_by_window_or_aggregate() -> None:
    base = next(each for each in FEATURES if each.aggregate is Aggregate.MEAN and each.field == "amount")
    plan = plan_of([base])
    number = daily_stream(plan, base).number
    for same in ({"window_ms": 31 * DAY_MS}, {"aggregate": Aggregate.MAX}, {"delay_ms": 5}, {"name": "other"}):
        assert daily_stream(plan, replace(base, **same)).number == number
    for other in ({"where": "late"}, {"counts": ("refund",)}, {"key": ("user_id", "device_fingerprint")},
                  {"aggregate": Aggregate.COUNT, "field": ""}):  # fmt: skip
        assert daily_stream(plan, replace(base, **other)).number != number
