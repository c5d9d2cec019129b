"""Features computed anew are those that a plain count over everything before finds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from services.fraud.domain.backtests.anew import FeaturesAnew, TooManyLogsError, asked_features
from services.fraud.domain.backtests.arrived import ArrivedEvent, ArrivedLabel
from services.fraud.domain.declared.feature import Aggregate, Boundary, Feature
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.event import Fields, Money
from services.fraud.domain.event_types import BUILT_IN

HOUR = 3_600_000
START = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp() * 1000)
LATE = 2 * HOUR


def feature(name: str, key: str, aggregate: Aggregate, hours: int, **more: object) -> Feature:
    values = {"event_type": "payment", "key": (key,), "window_ms": hours * HOUR, **more}
    return Feature(name=name, aggregate=aggregate, **values)  # type: ignore[arg-type]


FEATURES = FeatureSet(
    "t1",
    [
        feature("count_6h", "user_id", Aggregate.COUNT, 6),
        feature("sum_24h", "user_id", Aggregate.SUM, 24, field="amount"),
        feature("devices_3h", "user_id", Aggregate.DISTINCT, 3, field="device_fingerprint"),
        feature("delayed_12h", "merchant_id", Aggregate.COUNT, 12, delay_ms=5 * HOUR, boundary=Boundary.FROM_START),
    ],
    BUILT_IN,
)


class Event(NamedTuple):
    time: int
    arrival: int
    fields: Fields


def stream(seed: int, count: int) -> Sequence[Event]:
    """Returns events in the order in which they arrive, some of them late."""
    chance, arrival, events = random.Random(seed), START, []
    for _ in range(count):
        arrival += chance.randrange(20 * 60_000)
        late = chance.randrange(LATE) if chance.random() < 0.2 else 0
        fields: Fields = {
            "user_id": f"u{chance.randrange(6)}",
            "device_fingerprint": f"d{chance.randrange(4)}",
            "merchant_id": f"m{chance.randrange(3)}",
            "amount": Money(chance.randrange(1, 10_000), chance.choice(["USD", "EUR"])),
        }
        events.append(Event(arrival - late, arrival, fields))
    return events


def counted(events: Sequence[Event], current: Event) -> dict[str, int]:
    """Returns the features of an event, given all that arrived before it."""

    def within(key: str, start: int, end: int) -> Sequence[Event]:
        of_key = (each for each in events if each.fields[key] == current.fields[key])
        return [each for each in of_key if start <= each.time < end]

    now, money = current.time, current.fields["amount"]
    assert isinstance(money, Money)
    spent = [each.fields["amount"] for each in within("user_id", now - 24 * HOUR + 1, now + 1)]
    return {
        "count_6h": len(within("user_id", now - 6 * HOUR + 1, now + 1)),
        "sum_24h": sum(each.minor for each in spent if isinstance(each, Money) and each.currency == money.currency),
        "devices_3h": len({e.fields["device_fingerprint"] for e in within("user_id", now - 3 * HOUR + 1, now + 1)}),
        "delayed_12h": len(within("merchant_id", now - 17 * HOUR, now - 5 * HOUR)),
    }


def arrived(number: int, event: Event) -> ArrivedEvent:
    return ArrivedEvent(f"t{number}", "payment", event.fields, event.time, event.arrival)


def computed(anew: FeaturesAnew, events: Sequence[Event]) -> list[dict[str, object]]:
    return [dict(zip(anew.features.names, anew.take(arrived(n, each)), strict=True)) for n, each in enumerate(events)]


@pytest.mark.parametrize("folded_bytes", [1 << 30, 1, 6_000])
@pytest.mark.parametrize("seed", range(3))
def test_each_event_sees_what_arrived_before_it(seed: int, folded_bytes: int) -> None:
    events = stream(seed, 700)
    found = computed(FeaturesAnew("t", FEATURES, LATE, folded_bytes=folded_bytes), events)
    assert found == [counted(events[:n], each) for n, each in enumerate(events)]


@pytest.mark.parametrize("folded_bytes", [1 << 30, 1, 6_000])
def test_events_that_nobody_asks_about_are_seen_by_those_after_them(folded_bytes: int) -> None:
    events, asked = stream(7, 700), random.Random(7)
    anew, found = FeaturesAnew("t", FEATURES, LATE, events[300].arrival, folded_bytes=folded_bytes), []
    for n, each in enumerate(events):
        if n < 300 or asked.random() < 0.5:
            anew.enter(arrived(n, each))
        else:
            found.append((n, dict(zip(FEATURES.names, anew.take(arrived(n, each)), strict=True))))
    assert found == [(n, counted(events[:n], events[n])) for n, _ in found]
    assert len(found) > 100


LABELLED = FeatureSet(
    "t1",
    [
        feature("fraud_6h", "user_id", Aggregate.COUNT_FRAUD, 6, delay_ms=HOUR),
        feature("share_24h", "merchant_id", Aggregate.SHARE_FRAUD, 24),
        feature("known_12h", "device_fingerprint", Aggregate.KNOWN_FRAUD, 12),
        feature("count_24h", "card_fingerprint", Aggregate.COUNT, 24),
    ],
    BUILT_IN,
)


def labels_of(events: Sequence[Event]) -> Sequence[Sequence[ArrivedLabel]]:
    """Returns what is recorded of labels between an event and the next one, some before their event has come."""
    chance, numbers = random.Random(1), dict.fromkeys(range(len(events)), 0)
    found: list[list[ArrivedLabel]] = []
    for each in events:
        told: list[ArrivedLabel] = []
        for _ in range(chance.choice((0, 0, 1, 2))):
            known, fraud = max(each.time, each.arrival - chance.choice((0, 0, HOUR))), chance.random() < 0.7
            happened = [n for n in range(min(len(found) + 20, len(events))) if events[n].time <= known]
            at = chance.choice(happened[-30:] if chance.random() < 0.5 else happened)
            numbers[at] += 1
            told.append(ArrivedLabel(f"t{at}", "payment", events[at].fields, known, numbers[at], fraud))
        found.append(told)
    return found


def known_of(before: Sequence[Event], told: Sequence[ArrivedLabel], current: Event) -> dict[str, object]:
    """Returns the features of an event, given the events and the labels that arrived before it."""
    newest: dict[str, ArrivedLabel] = {}
    for label in sorted(told, key=lambda each: (each.known_ms, each.number)):
        if label.known_ms <= current.time:
            newest[label.transaction_id] = label

    def within(key: str, start: int, end: int) -> list[bool]:
        times = range(current.time - start * HOUR + 1, current.time - end * HOUR + 1)
        same = [n for n, each in enumerate(before) if each.fields[key] == current.fields[key] and each.time in times]
        return [f"t{n}" in newest and newest[f"t{n}"].fraud for n in same]

    shared = within("merchant_id", 24, 0)
    return {
        "fraud_6h": sum(within("user_id", 7, 1)),
        "share_24h": sum(shared) / len(shared) if shared else 0.0,
        "known_12h": any(within("device_fingerprint", 12, 0)),
        "count_24h": None,
    }


@pytest.mark.parametrize("asked_from", [0, 300])
@pytest.mark.parametrize("folded_bytes", [1 << 30, 1, 6_000])
def test_each_event_sees_the_labels_that_arrived_before_it(folded_bytes: int, asked_from: int) -> None:
    events = stream(5, 600)
    labels = labels_of(events)
    anew = FeaturesAnew("t", LABELLED, LATE, events[asked_from].arrival - LATE, folded_bytes=folded_bytes)
    for n, each in enumerate(events):
        if n < asked_from:
            anew.enter(arrived(n, each))
        else:
            found = dict(zip(LABELLED.names, anew.take(arrived(n, each)), strict=True))
            assert found == known_of(events[:n], [label for told in labels[:n] for label in told], each)
        for label in labels[n]:
            anew.label(label)


def test_labels_that_nothing_reaches_back_to_are_not_kept() -> None:
    events = stream(3, 100)
    anew = FeaturesAnew("t", LABELLED, LATE, events[-1].arrival + 90 * HOUR)
    for told in labels_of(events):
        for label in told:
            anew.label(label)
    assert not anew._packed


def test_events_that_nothing_reaches_back_to_are_not_kept() -> None:
    events = stream(3, 700)
    anew = FeaturesAnew("t", FEATURES, LATE, events[-1].arrival + 90 * HOUR)
    for n, each in enumerate(events):
        anew.enter(arrived(n, each))
    assert not anew._packed


def test_what_no_window_reaches_is_let_go_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.fraud.domain.backtests.anew.SWEEP_EVERY", 50)
    anew, most = FeaturesAnew("t", FEATURES, LATE, folded_bytes=1), 0
    for n in range(2_000):
        fields: Fields = {"user_id": f"u{n}", "merchant_id": "m", "amount": Money(1, "USD")}
        anew.take(arrived(n, Event(START + n * HOUR, START + n * HOUR, fields)))
        most = max(most, len(anew._packed))
    assert most < 150, "a window of a day, and what comes until the next look"


def test_more_than_may_be_kept_is_refused() -> None:
    anew = FeaturesAnew("t", FEATURES, LATE, most_bytes=20_000, folded_bytes=5_000)
    events = [each._replace(time=START, arrival=START) for each in stream(1, 2_000)]
    with pytest.raises(TooManyLogsError):
        computed(anew, events)
    anew = FeaturesAnew("t", FEATURES, LATE, most_bytes=20_000, folded_bytes=5_000)
    with pytest.raises(TooManyLogsError):
        for n, each in enumerate(events):
            anew.enter(arrived(n, each))


def test_only_what_is_asked_for_is_folded() -> None:
    asked = asked_features(STARTER, {"user_count_1m", "amount", "profile.tier"})
    assert asked.names == ("user_count_1m",)
    assert [plan.retention_ms for plan in asked.plans.values()] == [60_000]
    assert asked_features(STARTER, {"spent_usd_24h"}).names == ("user_sum_24h",)
    anew = FeaturesAnew("t", asked_features(STARTER, {"amount"}), LATE)
    assert (anew.reach_ms, anew.take(arrived(1, Event(START, START, {"user_id": "u"})))) == (0, [])
