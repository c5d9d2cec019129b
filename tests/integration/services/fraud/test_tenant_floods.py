"""One tenant's flood of new keys takes no log of another's, and leads to no wrong count of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf

import pytest
from redis.asyncio import Redis

from services.fraud.adapters.logs.names import LogNames
from services.fraud.domain.check import Check
from services.fraud.domain.logs import shares as log_shares
from services.fraud.ports import WRITES_AT_ONCE
from services.fraud.service.logs import keeping as log_keeping
from services.fraud.service.logs import pressure as log_pressure
from services.fraud.service.logs import sweep as log_sweep
from tests.support.fraud import check, milliseconds, new_tenant
from tests.support.kept import Kept, started
from tests.support.log_writes import key_of, record, write
from tests.support.readers import keys_of
from tests.support.servers import Database

SLOW = ("features_slow_path",)
ROOM = 3_000_000
"""Bytes that logs may take."""
FLOOD = 2 * ROOM // 110
"""Keys of one event."""


# What is no log is a third of the memory here.
QUICK = {
    "HIGH": 0.6, "TARGET": 0.55, "LEAST": 0.1, "APART_SECONDS": 0.001, "CALM_SECONDS": 0.3, "CROWDED_SECONDS": 1,
    "EASED_SECONDS": 1,
}  # fmt: skip


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_keeping, "LONGEST_COMMIT", timedelta(seconds=0.3))
    monkeypatch.setattr(log_keeping, "ROUND_SECONDS", 0.1)
    monkeypatch.setattr(log_sweep, "QUIET_SECONDS", 0.3)
    for name, value in QUICK.items():
        monkeypatch.setattr(log_pressure, name, value)
    for name in ("LEAST_SECONDS", "MOST_SECONDS"):
        monkeypatch.setattr(log_shares, name, 1)


@pytest.fixture
async def kept(lone_redis: Redis, lone_database: Database) -> AsyncIterator[Kept]:
    """With room for 27,000 logs or so."""
    async with started(lone_redis, lone_database) as kept:
        used = (await lone_redis.info("memory"))["used_memory"]
        await lone_redis.config_set("maxmemory", used + ROOM)
        yield kept


def asked(tenant: str, number: int) -> Check:
    """Returns a check by one of some users, each with a device, an address and a merchant of its own."""
    when = milliseconds(datetime.now(UTC))
    return check(
        tenant,
        user_id=f"u{number}",
        device=f"d{number}",
        ip=f"10.0.0.{number % 250}",
        merchant=f"m{number}",
        event_time=when,
    )


async def flood(kept: Kept, lone_redis: Redis, tenant: str) -> list[tuple[str, ...]]:
    """Writes to twice as many new keys as there is room for, and decides meanwhile. Returns what was decided without.

    It waits where it would be faster than times that are so much shortened allow: until logs go, of whomever.
    """
    logs, numbers, degraded = kept.engines[0].logs, count(), list[tuple[str, ...]]()
    async with asyncio.timeout(30):
        for step in range(FLOOD // WRITES_AT_ONCE):
            while await used(lone_redis) > 0.85:
                await asyncio.sleep(0.02)
            keys = [key_of(tenant, f"flood-{next(numbers)}") for _ in range(WRITES_AT_ONCE)]
            appended = await logs.append([], [write(key, [record(0)]) for key in keys])
            logs.settle(appended.ticket, [])
            if step % 20 == 19:
                degraded.append(await kept.decide_one(asked(tenant, step % 10)))
                degraded.append(await kept.decide_one(asked(tenant, step)))
    return degraded


async def used(lone_redis: Redis) -> float:
    """Returns which part of its memory Redis uses."""
    found = await lone_redis.info("memory")
    part: float = found["used_memory"] / found["maxmemory"]
    return part


async def evicted(lone_redis: Redis) -> int:
    found: int = (await lone_redis.info("stats"))["evicted_keys"]
    return found


async def test_flood_of_one_tenant_takes_no_log_of_another_and_is_counted_rightly(
    kept: Kept, lone_redis: Redis
) -> None:
    flooding, idle, newcomer = new_tenant(), new_tenant(), new_tenant()
    names = LogNames(await keys_of(kept.engines[0].pool).secret())
    for number in range(20):
        await kept.decide(asked(idle, number), asked(flooding, number))
    await kept.decide_one(asked(flooding, 20), 1)
    kept.engines[1].logs._register_at = inf
    logs = {each for each in await lone_redis.keys("e:*") if each[2:5] == names.tag(idle)}
    degraded = await flood(kept, lone_redis, flooding)
    assert SLOW in degraded
    assert (await evicted(lone_redis), logs - set(await lone_redis.keys(b"e:*"))) == (0, set())
    # The second process has been idle, and does not know yet that what is not there may have gone.
    assert kept.engines[1].logs._scripts.shares.turn == 0
    cold = ((139, 1), (159, 0), (179, 1), (199, 0))
    degraded = [await kept.decide_one(asked(flooding, number), engine) for number, engine in cold]
    assert SLOW in degraded, "they have gone; one that goes apart finds what was restored meanwhile"
    for engine in (1, 0):
        for number in (3, 13, 30 + engine):
            assert await kept.decide_one(asked(idle, number), engine) == ()
        assert await kept.decide_one(asked(newcomer, engine), engine) == ()
    await kept.until_whole(flooding)
    for number in (17, 16, 40, 41):
        assert await kept.decide_one(asked(flooding, number), number % 2) == ()
    assert await evicted(lone_redis) == 0
