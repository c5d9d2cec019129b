"""What the windows answer: in Redis exactly what the plain twin in memory does."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from services.fraud.adapters.redis_windows import PENDING, RedisWindows, reservation_key, subject
from services.fraud.domain.features import NAMES, by_name

from services.fraud.adapters.memory import MemoryWindows
from services.fraud.domain.check import Check, Features
from services.fraud.ports import Windows
from tests.support.fraud import check, milliseconds, new_tenant
from tests.support.windows import in_order, out_of_order


def unexpected() -> None:
    raise AssertionError("the windows are complete")


@pytest.fixture
def in_redis(redis: Redis) -> RedisWindows:
    return RedisWindows(redis, on_cold=unexpected)


@pytest.fixture
def in_memory() -> MemoryWindows:
    return MemoryWindows(lambda: milliseconds(datetime.now(UTC)))


@pytest.fixture(params=["memory", "redis"])
def windows(request: pytest.FixtureRequest) -> Windows:
    found: Windows = request.getfixturevalue(f"in_{request.param}")
    return found


async def settled(windows: Windows, *withdrawn: Check) -> None:
    """Withdraws and waits until it is done."""
    windows.settle([], [each.key for each in withdrawn])
    task = getattr(windows, "_settler", None)
    if task is not None:
        async with asyncio.timeout(5):
            await task


async def one(windows: Windows, asked: Check) -> dict[str, int]:
    (found,) = await windows.reserve([asked])
    return dict(by_name(found.values))


def apart(seen: Features, known: Features) -> dict[str, tuple[int, int]]:
    """Returns the features that differ, by name."""
    pairs = zip(NAMES, seen.values, known.values, strict=True)
    found = {name: (left, right) for name, left, right in pairs if left != right}
    codes = {*seen.elsewhere, *known.elsewhere}
    sums = [(code, seen.elsewhere.get(code, 0), known.elsewhere.get(code, 0)) for code in codes]
    return found | {code: (left, right) for code, left, right in sums if left != right}


def batches(choice: random.Random, checks: Sequence[Check]) -> Sequence[Sequence[Check]]:
    found, place = [], 0
    while place < len(checks):
        size = choice.choice([1, 1, 2, 5, 20])
        found.append(checks[place : place + size])
        place += size
    return found


async def test_first_transaction_sees_nothing_but_a_new_device(windows: Windows, tenant: str) -> None:
    assert await one(windows, check(tenant)) == {**dict.fromkeys(NAMES, 0), "user_new_device": 1}


async def test_window_ends_with_the_transaction_and_begins_after_its_length(windows: Windows, tenant: str) -> None:
    now = milliseconds(datetime.now(UTC))
    ages = [timedelta(minutes=1), timedelta(minutes=1) - timedelta(milliseconds=1), timedelta(0)]
    for age in ages:
        await windows.reserve([check(tenant, event_time=now - age)])
    found = await one(windows, check(tenant, event_time=now))
    assert (found["user_count_1m"], found["user_count_1h"]) == (2, 3)
    assert (found["user_sum_1m"], found["user_sum_1h"]) == (2_500, 3_750)


async def test_sums_are_by_currency_and_counts_are_not(windows: Windows, tenant: str) -> None:
    await windows.reserve([check(tenant, currency=currency) for currency in ("USD", "EUR", "USD", "JPY", "EUR")])
    found = await one(windows, check(tenant, event_time=milliseconds(datetime.now(UTC)), currency="EUR"))
    assert (found["user_count_1h"], found["user_sum_1h"]) == (5, 2_500)


async def test_user_is_counted_in_the_currency_and_summed_in_each_other_one(windows: Windows, tenant: str) -> None:
    now = milliseconds(datetime.now(UTC))
    old = check(tenant, currency="KWD", event_time=now - timedelta(hours=25))
    spent = [("USD", 100), ("EUR", 20), ("USD", 300), ("JPY", 7), ("EUR", 0)]
    await windows.reserve([old, *[check(tenant, currency=code, amount_minor=amount) for code, amount in spent]])
    asked = [check(tenant, event_time=now, currency=code) for code in ("USD", "KWD", "USD")]
    usd, kwd, again = await windows.reserve(asked)
    assert [by_name(each.values)["user_currency_count_24h"] for each in (usd, kwd, again)] == [2, 0, 3]
    assert (by_name(usd.values)["user_sum_24h"], usd.elsewhere) == (400, {"EUR": 20, "JPY": 7})
    assert kwd.elsewhere == {"USD": 400 + 1_250, "EUR": 20, "JPY": 7}
    assert again.elsewhere == {"EUR": 20, "JPY": 7, "KWD": 1_250}
    (repeated,) = await windows.reserve([asked[1]])
    assert (list(repeated.values), repeated.elsewhere) == (list(kwd.values), kwd.elsewhere)


async def test_windows_written_before_currencies_were_counted_are_read_on(
    redis: Redis, in_redis: RedisWindows, tenant: str
) -> None:
    """An only currency was counted all along; of several, those from now on are, and never too many."""
    now = milliseconds(datetime.now(UTC))
    codes = {"one": ["USD", "USD", "USD"], "two": ["USD", "EUR", "USD"]}
    for user, currencies in codes.items():
        made = [
            check(tenant, user_id=user, currency=code, event_time=now - timedelta(minutes=9 - n))
            for n, code in enumerate(currencies)
        ]
        await in_redis.reserve(made)
        key = f"{subject(tenant, 'u', user)}:e"
        found: Any = await redis.zrange(key, 0, -1, withscores=True)
        for member, score in found:
            before = re.sub(rb"/[0-9]+", b"", member)
            await redis.zrem(key, member)
            await redis.zadd(key, {before: score})
    counts = {}
    for user in codes:
        asked = [check(tenant, user_id=user, event_time=now, currency=code) for code in ("USD", "EUR", "USD", "EUR")]
        named = [by_name(each.values) for each in await in_redis.reserve(asked)]
        counts[user] = [each["user_currency_count_24h"] for each in named]
        assert [each["user_count_24h"] for each in named] == [3, 4, 5, 6]
    assert counts == {"one": [3, 0, 4, 1], "two": [0, 0, 1, 1]}


async def test_what_a_transaction_does_not_name_is_not_counted(windows: Windows, tenant: str) -> None:
    bare = check(tenant, device="", ip="", merchant="")
    await windows.reserve([check(tenant), bare])
    found = await one(windows, replace(bare, transaction_id="next", event_time=milliseconds(datetime.now(UTC))))
    assert found["user_count_24h"] == 2
    assert found["user_new_device"] == 0
    assert [found[name] for name in NAMES if name.startswith(("device", "ip", "merchant"))] == [0] * 27


async def test_reservation_is_idempotent(windows: Windows, tenant: str) -> None:
    await windows.reserve([check(tenant) for _ in range(3)])
    asked = check(tenant, "t-1", event_time=milliseconds(datetime.now(UTC)))
    (first,) = await windows.reserve([asked])
    again = await windows.reserve([asked, asked])
    assert first.reserved and not any(each.reserved for each in again)
    assert all(list(each.values) == list(first.values) and each.event_time == first.event_time for each in again)
    assert (await one(windows, replace(asked, transaction_id="t-2")))["user_count_1h"] == 4


async def test_same_identifier_of_another_tenant_is_another_transaction(windows: Windows, tenant: str) -> None:
    await windows.reserve([check(new_tenant(), "t-1"), check(new_tenant(), "t-2")])
    (found,) = await windows.reserve([check(tenant, "t-1")])
    assert found.reserved
    assert found.values[0] == 0


async def test_event_time_is_kept_and_defaults_to_arrival(windows: Windows, tenant: str) -> None:
    before = milliseconds(datetime.now(UTC))
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    found = await windows.reserve([check(tenant, event_time=None), check(new_tenant(), event_time=epoch)])
    assert before <= found[0].event_time <= datetime.now(UTC)
    assert found[1].event_time == epoch


async def test_withdrawn_transaction_was_never_there(windows: Windows, tenant: str) -> None:
    now = milliseconds(datetime.now(UTC))
    await windows.reserve([check(tenant, event_time=now - timedelta(seconds=3))])
    gone = check(tenant, "gone", device="d2", event_time=now - timedelta(seconds=2))
    await windows.reserve([gone, check(tenant, event_time=now - timedelta(seconds=1))])
    await settled(windows, gone)
    found = await one(windows, check(tenant, device="d2", event_time=now))
    assert (found["user_count_1m"], found["user_sum_1m"], found["user_distinct_1m"]) == (2, 2_500, 1)
    assert (found["user_new_device"], found["device_count_24h"]) == (1, 0)
    (again,) = await windows.reserve([replace(gone, event_time=now)])
    assert again.reserved


async def test_withdrawn_together_they_leave_no_trace_of_their_device(windows: Windows, tenant: str) -> None:
    """As after an outage of the store during which a customer tried again and again with a new phone."""
    now = milliseconds(datetime.now(UTC))
    tries = [check(tenant, device="new", event_time=now - timedelta(seconds=9 - n)) for n in range(5)]
    await windows.reserve([check(tenant, event_time=now - timedelta(seconds=20)), *tries])
    await settled(windows, *tries)
    found = await one(windows, check(tenant, device="new", event_time=now))
    assert (found["user_count_1m"], found["user_distinct_1m"], found["user_new_device"]) == (1, 1, 1)
    assert found["device_distinct_24h"] == 0


@pytest.mark.parametrize("seed", range(8))
async def test_sequence_in_order_is_counted_as_in_memory(
    in_redis: RedisWindows, in_memory: MemoryWindows, tenant: str, seed: int
) -> None:
    for batch in batches(random.Random(seed), list(in_order(seed, tenant, 300))):
        seen, known = await in_redis.reserve(batch), await in_memory.reserve(batch)
        for number, asked in enumerate(batch):
            assert apart(seen[number], known[number]) == {}, asked
            assert (seen[number].event_time, seen[number].whole) == (known[number].event_time, True)


@pytest.mark.parametrize("seed", range(8))
async def test_sequence_out_of_order_with_repeats_is_counted_as_in_memory(
    in_redis: RedisWindows, in_memory: MemoryWindows, tenant: str, seed: int
) -> None:
    choice, whole = random.Random(seed), 0
    checks = list(out_of_order(seed, tenant, 400))
    for place in range(20, 400, 20):
        checks[place] = choice.choice(checks[:place])
    for batch in batches(choice, checks):
        seen, known = await in_redis.reserve(batch), await in_memory.reserve(batch)
        for number, asked in enumerate(batch):
            assert seen[number].whole == known[number].whole, asked
            assert seen[number].reserved == known[number].reserved
            if seen[number].whole:
                whole += 1
                assert apart(seen[number], known[number]) == {}, asked
    assert whole > 300


@pytest.mark.parametrize("seed", range(8))
async def test_sequence_with_withdrawals_is_counted_as_in_memory(
    in_redis: RedisWindows, in_memory: MemoryWindows, tenant: str, seed: int
) -> None:
    choice = random.Random(seed)
    reserved: list[Check] = []
    for batch in batches(choice, list(in_order(seed + 100, tenant, 300))):
        seen, known = await in_redis.reserve(batch), await in_memory.reserve(batch)
        reserved += batch
        for number, asked in enumerate(batch):
            # A withdrawal puts a counterpart's last sighting back to the one before it, exactly only where no other
            # transaction took part in between: distincts are held to that in the tests above.
            differing = apart(seen[number], known[number])
            assert {name for name in differing if "distinct" not in name and name != "user_new_device"} == set(), asked
        if choice.random() < 0.4:
            gone = choice.sample(reserved[-40:], min(3, len(reserved)))
            reserved = [each for each in reserved if each not in gone]
            await settled(in_redis, *gone)
            await settled(in_memory, *gone)


async def test_late_and_withdrawn_transactions_of_a_busy_subject_are_counted_as_in_memory(
    in_redis: RedisWindows, in_memory: MemoryWindows, tenant: str
) -> None:
    """With more transactions after them than are moved one by one."""
    start = milliseconds(datetime.now(UTC)) - timedelta(hours=1)
    choice = random.Random(5)
    regular = [check(tenant, event_time=start + timedelta(seconds=5 * n), amount_minor=n) for n in range(200)]
    late = [
        check(tenant, event_time=start + timedelta(seconds=choice.randrange(600)), amount_minor=10**6 + n)
        for n in range(30)
    ]
    for each in (in_redis, in_memory):
        await each.reserve(regular)
        await each.reserve(late)
        await settled(each, *late[::3], *regular[10:100:9], *regular[-3:])
    for seconds in (10, 90, 300, 650, 900, 1_100):
        asked = check(tenant, event_time=start + timedelta(seconds=seconds))
        (seen,), (known,) = await in_redis.reserve([asked]), await in_memory.reserve([asked])
        assert apart(seen, known) == {}


@pytest.mark.parametrize("events", [33, 34, 40, 64, 65, 70, 100])
async def test_late_transaction_stays_counted_when_those_after_it_are_withdrawn(
    in_redis: RedisWindows, in_memory: MemoryWindows, tenant: str, events: int
) -> None:
    start = milliseconds(datetime.now(UTC)) - timedelta(hours=1)
    regular = [check(tenant, event_time=start + timedelta(seconds=n)) for n in range(1, events + 1)]
    late = check(tenant, event_time=start)
    asked = check(tenant, event_time=start + timedelta(minutes=30))
    found: list[Features] = []
    for each in (in_redis, in_memory):
        await each.reserve([*regular, late])
        await settled(each, *regular[3:30])
        found += await each.reserve([asked])
    assert apart(found[0], found[1]) == {}


@pytest.mark.parametrize("events", [62, 63, 64, 200])
async def test_subject_that_returns_after_days_starts_with_empty_windows(
    windows: Windows, tenant: str, events: int
) -> None:
    """What no window can reach is dropped on the way."""
    then = milliseconds(datetime.now(UTC)) - timedelta(days=3)
    await windows.reserve([check(tenant, event_time=then + timedelta(milliseconds=n)) for n in range(events)])
    for number in range(70):
        found = await one(windows, check(tenant, event_time=then + timedelta(days=3, milliseconds=number)))
        assert (found["user_count_24h"], found["merchant_sum_1h"]) == (number, number * 1_250)
    assert found["user_new_device"] == 0


async def test_concurrent_checks_of_one_new_device_see_each_other_once(windows: Windows, tenant: str) -> None:
    now = milliseconds(datetime.now(UTC))
    asked = [check(tenant, user_id=f"u{number}", device="new", event_time=now) for number in range(50)]
    found = await asyncio.gather(*[windows.reserve([each]) for each in asked])
    counts = sorted(by_name(features.values)["device_count_1m"] for (features,) in found)
    assert counts == list(range(50))


async def test_committed_reservation_is_no_longer_pending(redis: Redis, in_redis: RedisWindows, tenant: str) -> None:
    asked = check(tenant, "t-1")
    await in_redis.reserve([asked])
    assert await redis.zscore(PENDING, reservation_key(*asked.key)) is not None
    in_redis.settle([asked.key], [])
    await settled(in_redis)
    assert await redis.zscore(PENDING, reservation_key(*asked.key)) is None
    assert (await one(in_redis, check(tenant, event_time=milliseconds(datetime.now(UTC)))))["user_count_1h"] == 1


async def test_sums_elsewhere_are_exact_beyond_what_doubles_count(windows: Windows, tenant: str) -> None:
    start = milliseconds(datetime.now(UTC))
    amounts = [10**15 - number for number in range(40)]
    for place, amount in enumerate(amounts):
        when = start + timedelta(seconds=place)
        await windows.reserve([check(tenant, amount_minor=amount, currency="EUR", event_time=when)])
        (found,) = await windows.reserve([check(tenant, amount_minor=1, event_time=when)])
        assert found.elsewhere == {"EUR": sum(amounts[: place + 1])}


async def test_sums_are_exact_beyond_what_doubles_count(windows: Windows, tenant: str) -> None:
    start = milliseconds(datetime.now(UTC)) - timedelta(hours=1)
    amounts = [10**15 - number for number in range(40)]
    checks = [
        check(tenant, event_time=start + timedelta(seconds=number), amount_minor=amount)
        for number, amount in enumerate(amounts)
    ]
    late = check(tenant, event_time=start - timedelta(minutes=1), amount_minor=999_999_999_999_999)
    await windows.reserve([*checks, late])
    await settled(windows, checks[7])
    found = await one(windows, check(tenant, event_time=start + timedelta(minutes=30)))
    assert found["user_sum_1h"] == sum(amounts) - amounts[7] + late.amount_minor
    assert found["merchant_count_1h"] == 40


async def test_subject_with_many_late_transactions_is_read_from_the_store(in_redis: RedisWindows, tenant: str) -> None:
    """Which cannot hold up all other subjects, as reading each of them in Redis would."""
    start = milliseconds(datetime.now(UTC)) - timedelta(hours=1)
    await in_redis.reserve([check(tenant, event_time=start + timedelta(seconds=number)) for number in range(40)])
    whole = []
    for number in range(70):
        late = check(tenant, event_time=start - timedelta(seconds=number + 1))
        (found,) = await in_redis.reserve([late])
        (asked,) = await in_redis.reserve([check(tenant, event_time=start - timedelta(milliseconds=1))])
        whole.append(asked.whole and found.whole)
    assert whole[:20] == [True] * 20
    assert not whole[-1]
    (other,) = await in_redis.reserve([check(new_tenant())])
    assert other.whole
