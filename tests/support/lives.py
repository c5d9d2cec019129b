"""Random lives of a tenant, to run through the entity logs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from services.fraud.domain.check import Check
from tests.support.fraud import check, milliseconds

__all__ = ["CURRENCIES", "batches", "in_order", "out_of_order"]

CURRENCIES = ("USD", "EUR", "JPY")


def _payment(choice: random.Random, tenant: str, name: str, when: datetime) -> Check:
    def one_of(prefix: str, count: int) -> str:
        number = choice.randrange(count + 1)
        return f"{prefix}{number}" if number else ""

    return check(
        tenant,
        name,
        user_id=f"u{choice.randrange(4)}",
        device=one_of("d", 5),
        ip=one_of("192.0.2.", 3),
        merchant=one_of("m", 2),
        amount_minor=choice.choice([0, 1, 99, 1250, 10**9, choice.randrange(10**12)]),
        currency=choice.choice(CURRENCIES),
        event_time=when,
    )


def in_order(seed: int, tenant: str, count: int) -> Iterator[Check]:
    """Yields payments whose times never go back: some in one millisecond, some just at a window's length apart."""
    choice = random.Random(seed)
    steps = [0, 0, 1, 7, 999, 20_000, 60_000, 59_999, 60_001, 600_000, 3_600_000]
    when = milliseconds(datetime.now(UTC)) - timedelta(hours=30)
    for number in range(count):
        when += timedelta(milliseconds=choice.choice(steps) if choice.random() < 0.9 else 8_000_000)
        yield _payment(choice, tenant, f"{seed}-{number}", when)


def out_of_order(seed: int, tenant: str, count: int) -> Sequence[Check]:
    """Returns payments of some hours of which many come late, some by up to 20 days."""
    choice = random.Random(seed)
    start = milliseconds(datetime.now(UTC)) - timedelta(hours=40)
    payments = []
    for number in range(count):
        when = start + timedelta(hours=30) * number / count
        if choice.random() < 0.3:
            when -= timedelta(seconds=choice.choice([0.001, 1, 60, 600, 3_600, 20_000, 90_000, 432_000, 1_728_000]))
        payments.append(_payment(choice, tenant, f"{seed}-{number}", milliseconds(when)))
    return payments


def batches(choice: random.Random, checks: Sequence[Check]) -> Sequence[Sequence[Check]]:
    """Divides checks into batches, most of them small."""
    found, place = [], 0
    while place < len(checks):
        size = choice.choice([1, 1, 2, 5, 20])
        found.append(checks[place : place + size])
        place += size
    return found
