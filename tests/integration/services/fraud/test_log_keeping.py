"""The entity logs survive the loss of Redis, and hold nothing that was never committed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from services.fraud.adapters.logs.names import PENDING, STATE
from services.fraud.service.deciding.decider import CheckCall, Outcome
from services.fraud.service.logs import keeping as log_keeping
from services.fraud.service.logs import sweep as log_sweep
from tests.support.engine import engines, eventually, keeping
from tests.support.fraud import check, decided, milliseconds, new_tenant, read
from tests.support.kept import Kept, started
from tests.support.lives import in_order
from tests.support.readers import patiently
from tests.support.servers import Database


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_keeping, "LONGEST_COMMIT", timedelta(seconds=0.3))
    monkeypatch.setattr(log_keeping, "OVERDUE_SECONDS", 0.3)
    monkeypatch.setattr(log_keeping, "ROUND_SECONDS", 0.1)
    monkeypatch.setattr(log_sweep, "QUIET_SECONDS", 0.3)


@pytest.fixture
async def kept(lone_redis: Redis, lone_database: Database) -> AsyncIterator[Kept]:
    async with started(lone_redis, lone_database) as kept:
        yield kept


def now() -> datetime:
    return milliseconds(datetime.now(UTC))


async def test_logs_lost_altogether_are_filled_again_as_if_they_had_never_been_lost(
    kept: Kept, lone_redis: Redis
) -> None:
    tenants = [new_tenant(), new_tenant()]
    for tenant in tenants:
        for number, asked in enumerate(in_order(17, tenant, 60)):
            await kept.decide_one(asked, number % 2)
    await lone_redis.flushall()
    for tenant in tenants:
        asked = check(tenant, user_id="u0", event_time=now())
        assert await kept.decide_one(asked) == ("features_slow_path",), "what is not there may have been lost"
    await kept.until_whole(*tenants)
    for tenant in tenants:
        for user in range(4):
            for device in range(3):
                asked = check(tenant, user_id=f"u{user}", device=f"d{device}", ip="", merchant="m1", event_time=now())
                assert await kept.decide_one(asked, device % 2) == ()


# Of a log that is deleted by hand nobody but who has read it can know.
@pytest.mark.parametrize("loss", ["all", "state alone", "logs alone"])
async def test_each_check_after_a_loss_counts_everything_and_only_the_first_of_a_key_says_slow_path(
    kept: Kept, lone_redis: Redis, loss: str
) -> None:
    tenant = new_tenant()
    for number in range(5):
        await kept.decide_one(check(tenant, event_time=now()), number % 2)
    if loss == "all":
        await lone_redis.flushall()
    elif loss == "state alone":
        await lone_redis.delete(STATE)
    else:
        await lone_redis.delete(*await lone_redis.keys("e:*"))
    found = []
    for number in range(6):
        found.append(await kept.decide_one(check(tenant, event_time=now()), number % 2))
        await asyncio.sleep(0.02)
    assert (found[0], found[-1]) == (("features_slow_path",), ())


async def test_reservation_that_was_never_committed_is_withdrawn_and_a_committed_one_stays(
    kept: Kept, lone_redis: Redis
) -> None:
    """As of a process that ends between its append and its commit, or between that and its word to the logs."""
    tenant, dying = new_tenant(), kept.engines[1]
    lost, stored = check(tenant, "lost"), check(tenant, "stored")
    await dying.reader.read([lost], patiently())
    reading = await dying.reader.read([stored], patiently())
    (features,) = read(reading.features)
    made = decided(stored)
    await dying.store.commit([made._replace(features=made.features._replace(generation=features.generation))])

    async def withdrawn() -> bool:
        return not any([await lone_redis.hlen(name) for name in await lone_redis.smembers(PENDING)])

    await eventually(withdrawn)
    kept.twin.check(stored)
    assert await kept.decide_one(check(tenant, event_time=now())) == ()
    assert await kept.decide_one(lost) == (), "it may come again"


async def test_checks_of_keys_that_were_known_before_a_loss_do_not_go_apart(
    kept: Kept, lone_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = new_tenant()
    for _ in range(3):
        await kept.decide_one(check(tenant, event_time=now()))
    await lone_redis.flushall()
    monkeypatch.setattr(kept.engines[0].decider, "decide", none_goes_apart)
    assert await kept.decide_one(check(tenant, event_time=now())) == ("features_slow_path",)


async def none_goes_apart(calls: Sequence[CheckCall]) -> Sequence[Outcome]:
    assert not calls
    return ()


async def test_of_what_was_decided_before_a_gap_the_logs_get_what_they_lack_alone(kept: Kept) -> None:
    tenant, slow = new_tenant(), 1
    await kept.decide(*[check(tenant, event_time=now()) for _ in range(300)])
    before = REGISTRY.get_sample_value("log_gaps_filled_total") or 0.0
    logs = kept.engines[1].logs
    logs._paused_until = asyncio.get_running_loop().time() + 60.0
    assert await kept.decide_one(check(tenant, event_time=now()), 1) == ("features_slow_path",)
    logs._paused_until = 0.0

    async def closed() -> bool:
        nonlocal slow
        degraded = await kept.decide_one(check(tenant, event_time=now()))
        slow += degraded != ()
        return not degraded

    await eventually(closed)
    filled = (REGISTRY.get_sample_value("log_gaps_filled_total") or 0.0) - before
    assert 1 <= filled <= slow
    assert await kept.decide_one(check(tenant, event_time=now()), 1) == ()


async def test_reservation_on_its_way_to_its_commit_is_left_alone(
    kept: Kept, lone_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_keeping, "OVERDUE_SECONDS", 60.0)
    engine = kept.engines[0]
    await engine.reader.read([check(new_tenant(), "under way")], patiently())
    await asyncio.sleep(0.6)
    assert await lone_redis.hlen(engine.logs._pending) == 1


async def test_nothing_is_withdrawn_while_the_store_cannot_say(kept: Kept, lone_redis: Redis) -> None:
    engine = kept.engines[0]
    await engine.reader.read([check(new_tenant(), "unknown")], patiently())
    engine.pool.terminate()
    await asyncio.sleep(0.8)
    assert await lone_redis.hlen(engine.logs._pending) == 1


async def test_two_keepers_at_work_count_nothing_twice(kept: Kept, lone_redis: Redis, lone_database: Database) -> None:
    tenant = new_tenant()
    for _ in range(5):
        await kept.decide_one(check(tenant))
    async with keeping(kept.engines[1], lone_database):
        await lone_redis.flushall()
        await kept.until_whole(tenant)
        assert await kept.decide_one(check(tenant, event_time=now())) == ()
        assert await kept.decide_one(check(tenant, event_time=now()), 1) == ()


@pytest.mark.parametrize("minutes", [-4, 4], ids=["keeper's clock behind", "keeper's clock ahead"])
async def test_nothing_is_left_out_whatever_the_clocks_of_replicas_say(
    lone_redis: Redis, lone_database: Database, minutes: int
) -> None:
    tenant, shift = new_tenant(), timedelta(minutes=minutes)
    async with (
        engines(lone_database, lone_redis) as started,
        keeping(started[0], lone_database, clock=lambda: datetime.now(UTC) + shift),
    ):
        kept = Kept(started)
        await kept.until_whole(tenant)
        for _ in range(3):
            await kept.decide_one(check(tenant, event_time=now()))
        await lone_redis.flushall()
        await kept.until_whole(tenant)
        assert await kept.decide_one(check(tenant, event_time=now())) == ()
