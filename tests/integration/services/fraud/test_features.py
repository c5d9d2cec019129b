"""What checks see of each other: on logs in Redis and in memory exactly what a scan of all that came says."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from redis.asyncio import Redis

from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.logs.names import PENDING
from services.fraud.adapters.logs.sealing import OPEN_RECORDS
from services.fraud.adapters.memory import MemoryStore
from services.fraud.domain.check import Check, Features
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.declared.vector import FeatureValue
from services.fraud.domain.logs.fold import Fold
from services.fraud.ports import EntityLogs, LogSlice
from services.fraud.service.features.reading import FeatureReader
from tests.support.fraud import check, milliseconds, named, new_tenant, read
from tests.support.lives import batches, in_order, out_of_order
from tests.support.readers import logs_in, patiently, reader_of, settled
from tests.support.twin import Twin, seen_by


class Process:
    """The reader of one process, with logs that are whole from the beginning and nothing in the store."""

    def __init__(self, logs: EntityLogs) -> None:
        self.logs = logs
        self.reader: FeatureReader = reader_of(logs, MemoryStore())

    async def read(self, checks: Sequence[Check], *withdrawn: Check) -> Sequence[Features]:
        """Reads for checks, and settles all but some as committed."""
        reading = await self.reader.read(checks, patiently(as_of_first=True))
        self.reader.settle(reading, checks, {each.key for each in withdrawn})
        return read(reading.features)

    async def one(self, asked: Check) -> dict[str, FeatureValue]:
        (found,) = await self.read([asked])
        return named(found)


Start = Callable[[], Process]


@pytest.fixture
async def start(redis: Redis) -> AsyncIterator[Start]:
    """Starts processes on one Redis."""
    started: list[Process] = []

    def one() -> Process:
        started.append(Process(logs_in(redis)))
        return started[-1]

    yield one
    for each in started:
        await settled(each.logs)


@pytest.fixture
def in_redis(start: Start) -> Process:
    return start()


@pytest.fixture(params=["memory", "redis"])
def process(request: pytest.FixtureRequest) -> Process:
    if request.param == "memory":
        return Process(MemoryLogs(time.time))
    found: Process = request.getfixturevalue("in_redis")
    return found


def now() -> datetime:
    return milliseconds(datetime.now(UTC))


async def test_first_transaction_sees_nothing_but_a_new_device(process: Process, tenant: str) -> None:
    nothing = {**dict.fromkeys(STARTER.names, 0), "user_new_device": True, "user_spent_24h": None}
    assert await process.one(check(tenant)) == nothing


async def test_window_ends_with_the_transaction_and_begins_after_its_length(process: Process, tenant: str) -> None:
    when = now()
    ages = [timedelta(minutes=1), timedelta(minutes=1) - timedelta(milliseconds=1), timedelta(0)]
    for age in ages:
        await process.read([check(tenant, event_time=when - age)])
    found = await process.one(check(tenant, event_time=when))
    assert (found["user_count_1m"], found["user_count_1h"]) == (2, 3)
    assert (found["user_sum_1m"], found["user_sum_1h"]) == (2_500, 3_750)


async def test_sums_are_by_currency_and_counts_are_not(process: Process, tenant: str) -> None:
    await process.read([check(tenant, currency=currency) for currency in ("USD", "EUR", "USD", "JPY", "EUR")])
    found = await process.one(check(tenant, event_time=now(), currency="EUR"))
    assert (found["user_count_1h"], found["user_sum_1h"]) == (5, 2_500)


async def test_user_is_counted_in_the_currency_and_summed_in_each_other_one(process: Process, tenant: str) -> None:
    when = now()
    old = check(tenant, currency="KWD", event_time=when - timedelta(hours=25))
    spent = [("USD", 100), ("EUR", 20), ("USD", 300), ("JPY", 7), ("EUR", 0)]
    await process.read([old, *[check(tenant, currency=code, amount_minor=amount) for code, amount in spent]])
    asked = [check(tenant, event_time=when, currency=code) for code in ("USD", "KWD", "USD")]
    usd, kwd, again = await process.read(asked)
    assert [named(each)["user_currency_count_24h"] for each in (usd, kwd, again)] == [2, 0, 3]
    assert (named(usd)["user_sum_24h"], usd.elsewhere) == (400, {"EUR": 20, "JPY": 7})
    assert kwd.elsewhere == {"USD": 400 + 1_250, "EUR": 20, "JPY": 7}
    assert again.elsewhere == {"EUR": 20, "JPY": 7, "KWD": 1_250}
    (repeated,) = await process.read([asked[1]])
    assert (list(repeated.values), repeated.elsewhere) == (list(kwd.values), kwd.elsewhere)


async def test_what_a_transaction_does_not_name_is_missing_and_not_counted(process: Process, tenant: str) -> None:
    bare = check(tenant, device="", ip="", merchant="")
    await process.read([check(tenant), bare])
    found = await process.one(replace(bare, transaction_id="next", event_time=now()))
    assert found["user_count_24h"] == 2
    assert found["user_new_device"] is None
    assert [value for name, value in found.items() if name.startswith(("device", "ip", "merchant"))] == [None] * 27


async def test_retry_sees_what_its_first_attempt_saw(process: Process, tenant: str) -> None:
    await process.read([check(tenant) for _ in range(3)])
    asked = check(tenant, "t-1", event_time=now())
    (first,) = await process.read([asked])
    await process.read([check(tenant) for _ in range(2)])
    again = [*await process.read([asked]), *await process.read([asked], asked)]
    assert all((list(each.values), each.event_time) == (list(first.values), first.event_time) for each in again)
    assert (await process.one(replace(asked, transaction_id="t-2")))["user_count_1h"] == 6


async def test_same_identifier_of_another_tenant_is_another_transaction(process: Process, tenant: str) -> None:
    await process.read([check(new_tenant(), "t-1"), check(new_tenant(), "t-2")])
    assert (await process.one(check(tenant, "t-1")))["user_count_24h"] == 0


async def test_event_time_is_kept_and_defaults_to_arrival(process: Process, tenant: str) -> None:
    before = now()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    found = await process.read([check(tenant, event_time=None)])
    found = [*found, *await process.read([check(new_tenant(), event_time=epoch)])]
    assert before <= found[0].event_time <= datetime.now(UTC)
    assert found[1].event_time == epoch
    assert (await process.one(check(tenant, event_time=found[0].event_time)))["user_count_1m"] == 1


async def test_checks_with_and_without_a_time_may_share_a_log_and_a_batch(process: Process, tenant: str) -> None:
    mixed = [check(tenant, event_time=time) for time in (None, now() - timedelta(seconds=5), None, None)]
    found = await process.read(mixed)
    assert [named(each)["user_count_1m"] for each in found] == [0, 0, 2, 3]


async def test_withdrawn_transaction_was_never_there(process: Process, tenant: str) -> None:
    when = now()
    await process.read([check(tenant, event_time=when - timedelta(seconds=3))])
    gone = check(tenant, "gone", device="d2", event_time=when - timedelta(seconds=2))
    await process.read([gone, check(tenant, event_time=when - timedelta(seconds=1))], gone)
    await settled(process.logs)
    found = await process.one(check(tenant, device="d2", event_time=when))
    assert (found["user_count_1m"], found["user_sum_1m"], found["user_distinct_1m"]) == (2, 2_500, 1)
    assert (found["user_new_device"], found["device_count_24h"]) == (True, 0)
    again = await process.one(replace(gone, event_time=when))
    assert again["user_count_1m"] == 3, "it may come again, and sees what there is then"


async def test_withdrawn_together_they_leave_no_trace_of_their_device(process: Process, tenant: str) -> None:
    """As after an outage of the store during which a customer tried again and again with a new phone."""
    when = now()
    tries = [check(tenant, device="new", event_time=when - timedelta(seconds=9 - n)) for n in range(5)]
    await process.read([check(tenant, event_time=when - timedelta(seconds=20)), *tries], *tries)
    await settled(process.logs)
    found = await process.one(check(tenant, device="new", event_time=when))
    assert (found["user_count_1m"], found["user_distinct_1m"], found["user_new_device"]) == (1, 1, True)
    assert found["device_distinct_24h"] == 0


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("seed", range(6))
async def test_sequence_in_order_is_counted_as_by_a_scan(start: Start, tenant: str, seed: int, replicas: int) -> None:
    choice, twin = random.Random(seed), Twin()
    processes = [start() for _ in range(replicas)]
    for batch in batches(choice, list(in_order(seed, tenant, 300))):
        for asked, seen in zip(batch, await choice.choice(processes).read(batch), strict=True):
            assert seen_by(seen) == twin.check(asked), asked
            assert (seen.event_time, seen.degraded) == (asked.event_time, ())


@pytest.mark.parametrize("replicas", [1, 2])
@pytest.mark.parametrize("seed", range(6))
async def test_sequence_with_late_repeated_and_withdrawn_ones_is_counted_as_by_a_scan(
    start: Start, tenant: str, seed: int, replicas: int
) -> None:
    choice, twin = random.Random(seed), Twin()
    processes = [start() for _ in range(replicas)]
    checks = list(out_of_order(seed, tenant, 400))
    for place in range(20, 400, 20):
        checks[place] = choice.choice(checks[:place])
    for batch in batches(choice, checks):
        process = choice.choice(processes)
        # Of one that is repeated only an attempt is withdrawn, so it stays.
        new = [each for each in batch if each.key not in twin.counted and batch.count(each) == 1]
        gone = choice.sample(new, len(new) // 3) if choice.random() < 0.4 else []
        for asked, seen in zip(batch, await process.read(batch, *gone), strict=True):
            assert seen_by(seen) == twin.check(asked), asked
        twin.withdraw(*gone)
        await settled(process.logs)


@pytest.mark.parametrize("events", [33, 64, 200, 1_100])
async def test_late_and_withdrawn_transactions_of_a_busy_subject_are_counted_as_by_a_scan(
    process: Process, tenant: str, events: int
) -> None:
    start, twin, choice = now() - timedelta(hours=3), Twin(), random.Random(5)
    regular = [check(tenant, event_time=start + timedelta(seconds=5 * n), amount_minor=n) for n in range(events)]
    late = [
        check(tenant, event_time=start + timedelta(seconds=choice.randrange(600)), amount_minor=10**6 + n)
        for n in range(30)
    ]
    for part, gone in ((regular, [*regular[10:100:9], *regular[-3:]]), (late, late[::3])):
        assert [seen_by(each) for each in await process.read(part, *gone)] == twin.check_all(part)
        await settled(process.logs)
        twin.withdraw(*gone)
    for seconds in (10, 90, 300, 650, 900, 1_100, 6_000):
        asked = check(tenant, event_time=start + timedelta(seconds=seconds))
        assert [seen_by(each) for each in await process.read([asked])] == twin.check_all([asked])


LONG = 2 * OPEN_RECORDS
"""Records of a log of which a part is closed."""


@pytest.mark.parametrize("replicas", [1, 2])
async def test_busy_subject_is_read_as_it_comes_also_after_a_part_of_its_log_is_closed(
    start: Start, tenant: str, monkeypatch: pytest.MonkeyPatch, replicas: int
) -> None:
    """Nothing has to be undone to read it: that takes long, for each of a batch."""
    monkeypatch.setattr(Fold, "read_as_of", Mock(side_effect=AssertionError("read as of an earlier arrival")))
    processes, when = [start() for _ in range(replicas)], milliseconds(datetime.now(UTC))
    for seen in range(0, LONG, 64):
        asked = [check(tenant, str(seen + n), user_id="u1", device="", ip="", event_time=when) for n in range(64)]
        process = processes[seen // 64 % replicas]
        found = [named(each)["user_count_1h"] for each in await process.read(asked)]
        assert found == list(range(seen, seen + 64))
        await settled(process.logs)
    asked = [check(tenant, f"last-{n}", user_id="u1", device="", ip="", event_time=when) for n in range(64)]
    found = [named(each)["user_count_1h"] for each in await start().read(asked)]
    assert found == list(range(LONG, LONG + 64)), "a process that has not seen the log"


async def test_batch_that_waits_for_one_log_is_read_in_the_others_before_what_came_after_it(
    start: Start, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fold, "read_as_of", Mock(side_effect=AssertionError("read as of an earlier arrival")))
    (process, other), when = (start(), start()), now()

    def payments(name: str, user: str, count: int, merchant: str = "m1") -> list[Check]:
        common = {"user_id": user, "merchant": merchant, "device": "", "ip": "", "event_time": when}
        return [check(tenant, f"{name}-{n}", **common) for n in range(count)]

    await process.read(payments("known", "u1", 200))
    for part in range(5):
        await other.read(payments(f"closed-{part}", "u1", 250, "m2"))
        await settled(other.logs)
    load, asked, go_on = process.logs.load, asyncio.Event(), asyncio.Event()

    async def loaded_late(*arguments: Any) -> AsyncIterator[LogSlice]:
        asked.set()
        await go_on.wait()
        async for each in load(*arguments):
            yield each

    monkeypatch.setattr(process.logs, "load", loaded_late)
    waiting = asyncio.create_task(process.read(payments("waiting", "u1", 24)))
    await asked.wait()
    after = await process.read(payments("after", "u2", 24))
    go_on.set()
    before = await waiting
    assert [named(each)["merchant_count_1h"] for each in (*before, *after)] == list(range(200, 248))
    assert [named(each)["user_count_1h"] for each in before] == list(range(1_450, 1_474))


async def test_late_device_is_known_from_its_time_on(process: Process, tenant: str) -> None:
    """Seen at 10 s and 20 s, it is one device for a check at 15 s."""
    start = now() - timedelta(minutes=10)
    for seconds in (10, 20):
        await process.read([check(tenant, event_time=start + timedelta(seconds=seconds))])
    found = await process.one(check(tenant, event_time=start + timedelta(seconds=15)))
    assert (found["user_distinct_1m"], found["user_count_1m"], found["user_new_device"]) == (1, 1, False)


async def test_subject_that_returns_after_days_starts_with_empty_windows(process: Process, tenant: str) -> None:
    then = now() - timedelta(days=3)
    await process.read([check(tenant, event_time=then + timedelta(milliseconds=n)) for n in range(200)])
    for number in range(20):
        found = await process.one(check(tenant, event_time=then + timedelta(days=3, milliseconds=number)))
        assert (found["user_count_24h"], found["merchant_sum_1h"]) == (number, number * 1_250)
    assert found["user_new_device"] is False


@pytest.mark.parametrize("replicas", [1, 2])
async def test_concurrent_checks_of_one_new_device_see_each_other_once(
    start: Start, tenant: str, replicas: int
) -> None:
    when = now()
    processes = [start() for _ in range(replicas)]
    asked = [check(tenant, user_id=f"u{number}", device="new", event_time=when) for number in range(50)]
    found = await asyncio.gather(*[processes[n % replicas].read([each]) for n, each in enumerate(asked)])
    counts = [named(features)["device_count_1m"] for (features,) in found]
    assert sorted(counts, key=str) == sorted(range(50), key=str)


async def test_settled_batch_is_no_longer_reserved(redis: Redis, in_redis: Process, tenant: str) -> None:
    asked = check(tenant)
    before = await redis.smembers(PENDING)
    reading = await in_redis.reader.read([asked], patiently())
    (own,) = await redis.smembers(PENDING) - before
    assert await redis.hlen(own) == 1
    in_redis.reader.settle(reading, [asked], ())
    await settled(in_redis.logs)
    assert await redis.hlen(own) == 0


async def test_sums_are_exact_beyond_what_doubles_count(process: Process, tenant: str) -> None:
    start, twin = now() - timedelta(hours=1), Twin()
    amounts = [10**15 - number for number in range(40)]
    checks = [
        check(tenant, event_time=start + timedelta(seconds=number), amount_minor=amount)
        for number, amount in enumerate(amounts)
    ]
    late = check(tenant, event_time=start - timedelta(minutes=1), amount_minor=999_999_999_999_999)
    twin.check_all([*checks, late])
    await process.read([*checks, late], checks[7])
    await settled(process.logs)
    twin.withdraw(checks[7])
    for currency in ("USD", "EUR"):
        asked = check(tenant, event_time=start + timedelta(minutes=30), currency=currency, amount_minor=1)
        (found,) = await process.read([asked])
        assert seen_by(found) == twin.check(asked)
    assert found.elsewhere == {"USD": sum(amounts) - amounts[7] + late.amount_minor + 1}
