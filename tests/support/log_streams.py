"""Random logs, with everything that can happen to one: late, equal, repeated, withdrawn, corrected, restored."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

from services.fraud.domain.declared.feature import Aggregate, Boundary, Feature
from services.fraud.domain.declared.plan import OF_LABELS, KindPlan, NumberColumn, plan_kinds
from services.fraud.domain.declared.records import (
    CORRECTION,
    EVENT,
    MISSING,
    WITHDRAWAL,
    LogRecord,
    RecordLayout,
    currency_number,
)
from services.fraud.domain.event_types import BUILT_IN, EventType, Field, FieldType
from services.fraud.domain.travel import GeoPoint, packed_place

__all__ = ["DAY_MS", "TYPES", "alike_log", "every_feature", "plan_of", "random_log", "random_record"]

DAY_MS = 86_400_000
USER = Field("user_id", FieldType.STRING, required=True, key=True)
AMOUNT, SCORE = Field("amount", FieldType.MONEY), Field("score", FieldType.NUMBER)
DEVICE = Field("device_fingerprint", FieldType.STRING, key=True)
ADDRESS = Field("ip_address", FieldType.IP)
TYPES = {
    **BUILT_IN,
    "payment": EventType("payment", (USER, AMOUNT, SCORE, DEVICE, ADDRESS)),
    "refund": EventType("refund", (USER, AMOUNT, SCORE, DEVICE, ADDRESS)),
    "login": EventType("login", (USER, DEVICE)),
}
FIELDS = {
    Aggregate.SUM: ("amount", "score"),
    Aggregate.MEAN: ("amount", "score"),
    Aggregate.MIN: ("amount", "score"),
    Aggregate.MAX: ("amount", "score"),
    Aggregate.STDDEV: ("amount", "score"),
    Aggregate.DISTINCT: ("device_fingerprint",),
    Aggregate.IS_NEW: ("device_fingerprint",),
    Aggregate.TRAVEL_SPEED: ("ip_address",),
}
WITHOUT_ITSELF = {Aggregate.IS_NEW, Aggregate.TRAVEL_SPEED, *OF_LABELS}
PLACES = [
    packed_place(GeoPoint(*each))
    for each in (
        (52.52, 13.405, 20),
        (-33.9, 18.4),
        (35.68, 139.69, 5),
        (52.52, 13.4, 50),
        (-90, 180),
        (64.1, -21.9, 900),
    )
]
CURRENCIES = [0, *map(currency_number, ("EUR", "USD", "JPY"))]
LIMITS = (0, 0, 1, 1_000, 5_000)
LATE = (1_000, 60_000, 3_600_000, DAY_MS, 20 * DAY_MS)


def every_feature(windows: tuple[int, ...] = (1_000, 60_000, DAY_MS, 30 * DAY_MS)) -> list[Feature]:
    """Every aggregate with every boundary, delay, filter and choice of event types that it may have."""
    found: list[Feature] = []
    for aggregate, window, boundary, delay, where in product(
        Aggregate, windows, Boundary, (0, 1_000, 7 * DAY_MS), ("", "risky")
    ):
        for field in FIELDS.get(aggregate, ("",)):
            for itself in (False, True):
                if itself and (boundary is not Boundary.AFTER_START or delay or aggregate in WITHOUT_ITSELF):
                    continue
                number = len(found)
                found.append(
                    Feature(
                        name=f"f{number}",
                        event_type="payment",
                        counts=((), ("payment", "refund"))[number % 2],
                        key=("user_id",),
                        aggregate=aggregate,
                        field=field,
                        window_ms=window,
                        delay_ms=delay,
                        boundary=boundary,
                        include_current=itself,
                        same_currency=aggregate is Aggregate.COUNT and number % 3 == 0,
                        converted=aggregate is Aggregate.SUM and field == "amount" and number % 3 == 0,
                        where=where,
                    )
                )
    return found


def plan_of(features: list[Feature]) -> KindPlan:
    (plan,) = plan_kinds(features, TYPES).values()
    return plan


def random_record(plan: KindPlan, dice: random.Random, time: int, kinds: int = 8) -> LogRecord:
    """An event with few counterparts, and with large and missing numbers among others."""
    scale = dice.choice((10, 10_000, 10**15, 9 * 10**18))
    return LogRecord(
        time,
        dice.getrandbits(64),
        tuple(MISSING if dice.random() < 0.1 else _number(each, dice, scale) for each in plan.numbers),
        tuple(0 if dice.random() < 0.1 else dice.randint(1, kinds) for _ in plan.counterparts),
        dice.randrange(len(plan.types)),
        dice.choice(CURRENCIES),
        dice.getrandbits(len(plan.filters)) if plan.filters else 0,
    )


def random_log(plan: KindPlan, dice: random.Random, length: int, kinds: int = 8) -> Iterator[LogRecord]:
    """Records in order of arrival."""
    now, pace = 1_700_000_000_000, dice.choice((2, 500, 60_000, 30 * DAY_MS // length))
    events: list[LogRecord] = []
    labels = RandomLabels(plan, dice)
    for _ in range(length):
        now += dice.choice((0, dice.randint(0, 2 * pace)))
        late = dice.choice(LIMITS) if dice.random() < 0.5 else dice.randint(0, dice.choice(LATE))
        record = random_record(plan, dice, now - late if dice.random() < 0.3 else now, kinds)
        chance = dice.random()
        if events and chance < 3 / 16:
            other = dice.choice(events)
            kind = (WITHDRAWAL, CORRECTION, EVENT)[int(chance * 16)]
            record = record._replace(transaction=other.transaction, kind=kind)
            if chance > 0.16:
                record = other
        # Few attempts, so that some are repeated and some withdrawn that never were.
        record = record._replace(restored=dice.random() < 0.1, attempt=dice.choice((0, 0, 1, 2)))
        events.append(record)
        yield from labels.around(record, dice.choice(events).transaction, pace)


def alike_log(plan: KindPlan, dice: random.Random, length: int, *, strangers: float) -> Iterator[LogRecord]:
    """Records that are alike, some of them late; now and then one that is not, or a repeat of another."""
    now, pace, common = 1_700_000_000_000, dice.choice((2, 500, 60_000)), random_record(plan, dice, 0)
    events: list[LogRecord] = []
    labels = RandomLabels(plan, dice)
    for _ in range(length):
        now += dice.choice((0, dice.randint(0, 2 * pace)))
        record = random_record(plan, dice, now - dice.choice((0, 0, 0, 0, 1, 5_000, dice.randint(0, DAY_MS))), 5)
        is_stranger, way = dice.random() < strangers, dice.randrange(3)
        if not is_stranger or way:
            numbers = tuple(_number(each, dice, 10_000) for each in plan.numbers)
            if is_stranger and way == 1:
                numbers = (MISSING, *numbers[1:])
            record = record._replace(
                type=common.type, currency=common.currency, filters=common.filters, numbers=numbers
            )
        if is_stranger and way == 2 and events:
            record = dice.choice(events)._replace(kind=dice.choice((EVENT, WITHDRAWAL, CORRECTION)))
        events.append(record)
        yield from labels.around(record, dice.choice(events).transaction, pace)


class RandomLabels:
    """Labels that come at any time: before their event, again, and not in the order in which they were known."""

    def __init__(self, plan: KindPlan, dice: random.Random) -> None:
        self._plan, self._dice = plan, dice
        self._told: list[LogRecord] = []
        self._numbers: dict[int, int] = {}

    def around(self, record: LogRecord, other: int, pace: int) -> Iterator[LogRecord]:
        """A record, now and then with a label before it or after it: of its transaction, of another one, or of none."""
        transactions = (record.transaction, other, other, other, self._dice.getrandbits(64))
        if self._plan.labelled and self._dice.random() < 0.05:
            yield self._label(self._dice.choice(transactions), record.time, pace)
        yield record
        if self._plan.labelled and self._dice.random() < 0.2:
            yield self._label(self._dice.choice(transactions), record.time, pace)

    def _label(self, transaction: int, time: int, pace: int) -> LogRecord:
        dice, restored = self._dice, self._dice.random() < 0.2
        if self._told and dice.random() < 0.15:
            return dice.choice(self._told)._replace(restored=restored)
        number = self._numbers[transaction] = self._numbers.get(transaction, 0) + 1
        known = time + dice.choice((0, 0, 1, -1, dice.randint(-20 * pace, 5 * pace), dice.randint(-DAY_MS, DAY_MS)))
        layout = RecordLayout(self._plan)
        packed = layout.label(known, transaction, number, fraud=dice.random() < 0.7, restored=restored)
        self._told.append(layout.unpack(packed))
        return self._told[-1]


def _number(column: NumberColumn, dice: random.Random, scale: int) -> int:
    return dice.choice(PLACES) if column.place else dice.randint(-scale, scale)
