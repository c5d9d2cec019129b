"""The features of the Fraud Detection Handbook, declared, give what a plain count of the same payments gives.

Of a customer: payments and their mean in the last 1, 7 and 30 days, the current one counted. Of a terminal: payments in
as many days that end 7 days ago. Beside them some of the same kind with what else a declaration can say.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from meshkit.currencies import DIGITS
from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.memory import MemoryStore
from services.fraud.adapters.memory_event_types import MemoryDeclarations
from services.fraud.adapters.memory_features import MemoryFeatureHeads, MemoryFeatures, MemoryFeatureWriter
from services.fraud.domain.check import Check, Features
from services.fraud.domain.declared.declaration import Definition, DerivedFeature
from services.fraud.domain.declared.feature import Aggregate, Boundary
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.scenarios.facts import EventFacts, value_reader
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.ports import FeatureHead
from services.fraud.service.tenants.configuration import Configurations, compiled
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures
from tests.support.features import DAY_MS, counting, declare
from tests.support.fraud import check, read
from tests.support.readers import patiently, reader_of

TENANT = "7b0f9a52-6c1e-4d3a-9f10-2d4c6a8e0b11"
START = datetime(2026, 4, 1, tzinfo=UTC)
PAYMENTS, BATCH = 3_000, 32
DAYS = (1, 7, 30)
DAY, WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True)
class Paid:
    """A payment, as a plain count knows it."""

    name: str
    when: datetime
    customer: str
    terminal: str
    cents: int
    online: bool


def _features() -> Iterator[Definition]:
    own: dict[str, Any] = {"include_current": True}
    mean: dict[str, Any] = {"aggregate": Aggregate.MEAN, "field": "amount"}
    for days in DAYS:
        window: dict[str, Any] = {"window_ms": days * DAY_MS}
        yield counting(f"customer_count_{days}d", **own, **window)
        yield counting(f"customer_mean_{days}d", **own, **window, **mean)
        yield counting(f"terminal_count_{days}d", key="merchant_id", delay_ms=7 * DAY_MS, **window)
        yield counting(f"terminal_mean_{days}d", key="merchant_id", delay_ms=7 * DAY_MS, **window, **mean)
    yield counting("online_7d", window_ms=7 * DAY_MS, where='channel == "online" && amount >= 20.0')
    yield counting("pair_30d", key="user_id+merchant_id", window_ms=30 * DAY_MS, boundary=Boundary.FROM_START)
    yield DerivedFeature(name="times_usual", event_type="payment", expression="amount / customer_mean_30d")


def _payments(dice: random.Random) -> Sequence[Paid]:
    """Payments in order of time, with some in one second and some exactly a window apart."""
    found: list[Paid] = []
    when = START
    for number in range(PAYMENTS):
        when += timedelta(seconds=dice.choice((0, 1, 1_200, 2_400, 2_600)))
        found.append(
            Paid(
                f"p{number}",
                when,
                f"c{dice.randrange(25)}",
                f"m{dice.randrange(30)}",
                dice.randrange(1, 9_000),
                dice.random() < 0.7,
            )
        )
    return found


def _to_check(paid: Paid) -> Check:
    asked = check(
        TENANT,
        paid.name,
        user_id=paid.customer,
        merchant=paid.terminal,
        device="",
        ip="",
        amount=paid.cents / 100,
        amount_minor=paid.cents,
        event_time=paid.when,
    )
    asked.fields = {**asked.fields, "channel": "online" if paid.online else "terminal"}
    return asked


def _expected(before: Sequence[Paid], now: Paid) -> dict[str, float | None]:
    """Counts by looking at every payment of the customer or the terminal that came before."""

    def cents(of: Sequence[Paid], after: timedelta, until: timedelta = timedelta(0)) -> list[int]:
        return [each.cents for each in of if now.when - after < each.when <= now.when - until]

    customers = [each for each in before if each.customer == now.customer]
    terminals = [each for each in before if each.terminal == now.terminal]
    found: dict[str, float | None] = {}
    for days in DAYS:
        of_customer = [*cents(customers, days * DAY), now.cents]
        of_terminal = cents(terminals, days * DAY + WEEK, WEEK)
        for name, values in (("customer", of_customer), ("terminal", of_terminal)):
            found[f"{name}_count_{days}d"] = len(values)
            found[f"{name}_mean_{days}d"] = sum(values) / len(values) / 100 if values else None
    usual = found["customer_mean_30d"]
    assert usual is not None, "the current payment is among them"
    return {
        **found,
        "online_7d": len(cents([each for each in customers if each.online and each.cents >= 2_000], WEEK)),
        "pair_30d": sum(
            each.terminal == now.terminal and now.when - 30 * DAY <= each.when < now.when for each in customers
        ),
        "times_usual": now.cents / 100 / usual,
    }


async def test_features_of_the_handbook_are_those_of_a_plain_count() -> None:
    declarations = MemoryDeclarations()
    features = MemoryFeatures(declarations)
    await declare(MemoryFeatureWriter(features), TENANT, *list(_features())[:-1])
    await declare(MemoryFeatureWriter(features), TENANT, list(_features())[-1])
    await MemoryFeatureHeads(features).move(TENANT, FeatureHead(2, 0), FeatureHead(2, 2))
    sets = ConfiguredFeatures(Configurations(declarations, lambda found: compiled(found, compile_pattern)))
    clock = [START]
    reader = reader_of(MemoryLogs(lambda: clock[0].timestamp()), MemoryStore(), sets, clock=lambda: clock[0])

    async def see(checks: Sequence[Check]) -> Sequence[Features]:
        reading = await reader.read(checks, patiently(as_of_first=True))
        reader.settle(reading, checks, frozenset())
        return read(reading.features)

    dice = random.Random(11)
    payments = _payments(dice)
    for start in range(0, PAYMENTS, BATCH):
        batch = payments[start : start + BATCH]
        clock[0] = batch[-1].when
        asked = [_to_check(each) for each in batch]
        repeated = [dice.choice(asked)] if dice.random() < 0.3 else []
        for place, (paid, found) in enumerate(zip(batch, await see(asked), strict=True)):
            expected = _expected(payments[: start + place], paid)
            assert _named(found, asked[place], list(expected)) == expected, paid
        for each in repeated:
            (again,) = await see([each])
            before = payments.index(batch[asked.index(each)])
            assert _named(again, each, ["customer_count_30d"]) == {
                "customer_count_30d": _expected(payments[:before], payments[before])["customer_count_30d"]
            }


def _named(found: Features, asked: Check, names: Sequence[str]) -> dict[str, object]:
    """Returns the values as rules see them."""
    values = value_reader(names, PAYMENT, found.set, DIGITS)(
        EventFacts(asked.fields, found.values, asked.currency, asked.currency_digits)
    )
    return dict(zip(names, values, strict=True))
