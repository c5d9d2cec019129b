"""What becomes of the logs of a tenant that has more than its share, in every implementation of the entity logs."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.logs.memory_shares import MemoryLogShares
from services.fraud.adapters.logs.names import STATE, LogNames
from services.fraud.adapters.logs.redis_logs import RedisLogs
from services.fraud.ports import EntityLogs, LogAnswer, LogKey, LogShares, LogState, ShareState
from tests.support.fraud import new_tenant
from tests.support.log_writes import SIZE, key_of, record, records, restored, write
from tests.support.readers import logs_in, settled

WHOLE, PARTIAL = LogState.WHOLE, LogState.PARTIAL
NAMES = LogNames(b"no secret")
LONG, SHORT = 30 * 86_400, 40


class Shared:
    """Logs, the shares of their memory, and how a tenant is named there."""

    def __init__(self, logs: EntityLogs, shares: LogShares) -> None:
        self.logs, self.shares = logs, shares

    def tag(self, tenant: str) -> bytes:
        return tenant.encode() if isinstance(self.logs, MemoryLogs) else NAMES.tag(tenant)

    async def append(self, key: LogKey, name: str) -> LogAnswer:
        appended = await self.logs.append([], [write(key, [record(name)])])
        self.logs.settle(appended.ticket, [])
        return appended.answers[0]

    async def state(self, tenant: str) -> ShareState | None:
        found = (await self.shares.memory()).shares.get(self.tag(tenant))
        return found.state if found is not None else None

    async def proven(self, key: LogKey) -> bool:
        return (await self.logs.whole([key.stream]))[key.stream]


@pytest.fixture
async def in_redis(own_redis: Redis) -> AsyncIterator[RedisLogs]:
    logs = logs_in(own_redis)
    await logs.prove_all(await logs.proof())
    yield logs
    await settled(logs)


@pytest.fixture(params=["memory", "redis"])
def shared(request: pytest.FixtureRequest) -> Shared:
    """Logs of which everything is proven."""
    if request.param == "memory":
        memory = MemoryLogs(time.time, whole=True)
        return Shared(memory, MemoryLogShares(memory, time.time))
    logs: RedisLogs = request.getfixturevalue("in_redis")
    return Shared(logs, logs.shares)


async def test_of_a_crowded_tenant_no_log_that_is_not_there_is_whole_and_of_others_every_one(
    shared: Shared, tenant: str
) -> None:
    key, other = key_of(tenant), key_of(new_tenant())
    assert await shared.append(key, "a") == LogAnswer(WHOLE)
    assert await shared.shares.crowd(shared.tag(tenant), SHORT)
    assert await shared.append(key_of(tenant, "u2"), "b") == LogAnswer(PARTIAL)
    assert await shared.append(key, "b") == LogAnswer(WHOLE, 0, record("a")), "what is there is whole"
    assert await shared.append(other, "a") == LogAnswer(WHOLE)
    assert (await shared.proven(key), await shared.proven(other)) == (False, True)
    assert await shared.state(tenant) is ShareState.CROWDED


async def test_log_of_a_crowded_tenant_gets_its_history_and_is_whole_while_it_is_there(
    shared: Shared, tenant: str
) -> None:
    key = key_of(tenant)
    await shared.shares.crowd(shared.tag(tenant), SHORT)
    assert await shared.append(key, "a") == LogAnswer(PARTIAL)
    await shared.logs.restore([restored(key, records(2))._replace(first=record("a")[:24])])
    assert await shared.append(key, "b") == LogAnswer(WHOLE, 0, b"".join([record("a"), *records(2)]))


async def test_history_that_was_asked_for_by_another_log_of_the_key_is_not_added(shared: Shared, tenant: str) -> None:
    key = key_of(tenant)
    await shared.shares.crowd(shared.tag(tenant), SHORT)
    await shared.append(key, "begun anew")
    await shared.logs.restore([restored(key, records(2))._replace(first=record("gone")[:24])])
    assert await shared.append(key, "b") == LogAnswer(PARTIAL, 0, record("begun anew"))


async def test_crowded_tenant_is_whole_again_after_a_sweep_that_began_when_it_was_open(
    shared: Shared, tenant: str
) -> None:
    tag, key, before = shared.tag(tenant), key_of(tenant), await shared.logs.proof()
    assert not await shared.shares.ease(tag) and not await shared.shares.open(tag, 0), "it is not crowded"
    await shared.shares.crowd(tag, SHORT)
    assert not await shared.logs.may_be_swept(tenant)
    during = await shared.logs.proof()
    assert not await shared.logs.prove([key.stream], during)
    await shared.shares.ease(tag)
    assert not await shared.shares.open(tag, 60), "what was being decided may not be stored yet"
    assert not await shared.logs.may_be_swept(tenant)
    assert await shared.append(key_of(tenant, "eased"), "a") == LogAnswer(PARTIAL)
    assert await shared.shares.open(tag, 0)
    assert await shared.logs.may_be_swept(tenant)
    for began in (before, during):
        assert not await shared.logs.prove([key.stream], began)
    assert await shared.append(key_of(tenant, "open"), "a") == LogAnswer(PARTIAL)
    assert await shared.logs.prove([key.stream], await shared.logs.proof())
    assert await shared.append(key_of(tenant, "swept"), "a") == LogAnswer(WHOLE)
    await shared.shares.crowd(tag, SHORT)
    assert await shared.append(key_of(tenant, "again"), "a") == LogAnswer(PARTIAL)


async def test_all_others_are_proven_while_one_is_crowded_and_that_one_is_not_with_them(
    shared: Shared, tenant: str
) -> None:
    tag, key, other = shared.tag(tenant), key_of(tenant), key_of(new_tenant())
    before = await shared.logs.proof()
    await shared.shares.crowd(tag, SHORT)
    assert not await shared.logs.prove_all(before), "who was left out is not known"
    assert await shared.logs.prove_all(await shared.logs.proof())
    assert (await shared.proven(key), await shared.proven(other)) == (False, True)
    await shared.shares.ease(tag)
    await shared.shares.open(tag, 0)
    assert (await shared.proven(key), await shared.proven(other)) == (False, True)
    assert await shared.logs.prove_all(await shared.logs.proof())
    assert await shared.proven(key)


@pytest.fixture
async def processes(own_redis: Redis) -> AsyncIterator[tuple[RedisLogs, RedisLogs]]:
    """Of two processes the second hears of nothing but by its own batches."""
    first, second = logs_in(own_redis), logs_in(own_redis)
    await first.prove_all(await first.proof())
    yield first, second
    for each in (first, second):
        await settled(each)


async def append(logs: RedisLogs, key: LogKey, *, refresh: bool = True) -> LogAnswer:
    appended = await logs.append([], [write(key, [record(time.time_ns())], refresh=refresh)])
    logs.settle(appended.ticket, [])
    return appended.answers[0]


async def test_process_that_has_not_heard_of_a_change_takes_no_log_for_one_that_was_never_written(
    processes: tuple[RedisLogs, RedisLogs], own_redis: Redis, tenant: str
) -> None:
    first, second = processes
    tag, key = NAMES.tag(tenant), key_of(tenant)
    assert (await append(second, key)).state is WHOLE
    await first.shares.crowd(tag, SHORT)
    assert (await append(second, key_of(tenant, "crowded"))).state is PARTIAL
    await first.shares.ease(tag)
    await first.shares.open(tag, 0)
    assert (await append(second, key_of(tenant, "open"))).state is PARTIAL
    await first.prove([key.stream], await first.proof())
    await second._proofs.learn([key.stream])
    assert (await append(second, key_of(tenant, "swept"))).state is WHOLE
    # Twice, so that it is open again as far as the second knows.
    for seconds in (SHORT, 2 * SHORT):
        await first.shares.crowd(tag, seconds)
    await first.shares.ease(tag)
    await first.shares.open(tag, 0)
    assert (await append(second, key_of(tenant, "again"))).state is PARTIAL


async def test_log_that_went_early_and_began_anew_is_not_whole_by_a_sweep_of_all_others(
    processes: tuple[RedisLogs, RedisLogs], own_redis: Redis, tenant: str
) -> None:
    """That is told anew every second, and makes logs whole that had begun before it."""
    first, second = processes
    key = key_of(tenant)
    await append(second, key)
    await first.shares.crowd(NAMES.tag(tenant), SHORT)
    await own_redis.delete(NAMES.of(key))
    assert (await append(second, key)).state is PARTIAL
    await asyncio.sleep(1.1)
    assert await first.prove_all(await first.proof())
    await second._proofs.learn([key.stream])
    assert (await append(second, key)).state is PARTIAL
    assert [each async for each in second.load(key, SIZE, LONG)] == []


async def test_logs_of_a_crowded_tenant_go_some_time_after_their_last_use_and_stay_again_later(
    processes: tuple[RedisLogs, RedisLogs], own_redis: Redis, tenant: str
) -> None:
    first, second = processes
    tag, old, new, other = NAMES.tag(tenant), key_of(tenant), key_of(tenant, "new"), key_of(new_tenant())
    for each in (old, other):
        await append(first, each)
    await first.shares.crowd(tag, SHORT)
    for each in (old, new, other):
        await append(second, each, refresh=False)
    lasts = [await own_redis.ttl(NAMES.of(each)) for each in (old, new, other)]
    assert lasts[0] <= SHORT and lasts[1] <= SHORT and lasts[2] > LONG
    await first.shares.ease(tag)
    await append(second, old, refresh=False)
    await first.shares.open(tag, 0)
    await append(second, new, refresh=False)
    assert all([await own_redis.ttl(NAMES.of(each)) > LONG for each in (old, new)])


async def test_what_is_swept_stays_whatever_the_log_was_told_before(
    processes: tuple[RedisLogs, RedisLogs], own_redis: Redis, tenant: str
) -> None:
    first, _ = processes
    tag, key = NAMES.tag(tenant), key_of(tenant)
    await first.shares.crowd(tag, SHORT)
    await append(first, key)
    proof = await first.proof()
    await first.restore([restored(key_of(tenant, "absent"), records(1), last=False)], proof)
    assert await own_redis.exists(NAMES.of(key_of(tenant, "absent"))) == 0, "nothing is swept while it is crowded"
    await first.shares.ease(tag)
    await first.shares.open(tag, 0)
    await first.restore([restored(key, records(1), last=False)], await first.proof())
    assert await own_redis.ttl(NAMES.of(key)) > LONG


async def test_a_sample_names_tenants_and_bytes_lets_cold_logs_go_and_deletes_chunks_without_a_log(
    processes: tuple[RedisLogs, RedisLogs], own_redis: Redis, tenant: str
) -> None:
    first, _ = processes
    tag, other = NAMES.tag(tenant), new_tenant()
    keys = [key_of(each, str(number)) for each in (tenant, other) for number in range(20)]
    for each in keys:
        await append(first, each)
    await own_redis.set(NAMES.of(keys[0]) + b":0", b"chunk", ex=LONG)
    await own_redis.set(NAMES.of(key_of(tenant, "gone")) + b":0", b"chunk", ex=LONG)
    await first.shares.crowd(tag, SHORT)
    found = [each for _ in range(10) for each in await first.shares.sample(50, [tag, NAMES.tag(other)])]
    assert {each.tag for each in found} == {tag, NAMES.tag(other), b""}
    assert all(90 < each.size < 130 for each in found if each.tag == NAMES.tag(other))
    lasts = [await own_redis.ttl(NAMES.of(each)) for each in keys]
    assert max(lasts[:20]) <= SHORT and min(lasts[20:]) > LONG, "only those of a crowded tenant go early"
    assert await own_redis.exists(NAMES.of(keys[0]) + b":0") == 1
    assert await own_redis.exists(NAMES.of(key_of(tenant, "gone")) + b":0") == 0


async def test_a_sample_deletes_what_was_used_once_and_long_ago_and_nothing_else(
    processes: tuple[RedisLogs, RedisLogs], own_redis: Redis, tenant: str
) -> None:
    first, _ = processes
    tag = NAMES.tag(tenant)
    once, twice, sealed, new = [key_of(tenant, each) for each in ("once", "twice", "sealed", "new")]
    for key in (once, twice, twice, sealed, new):
        await append(first, key)
    for key, ago in ((once, SHORT + 2), (twice, SHORT + 2), (sealed, SHORT + 2), (new, SHORT - 20)):
        await own_redis.setrange(NAMES.of(key), 16, struct.pack("<I", int(time.time()) - ago))
    # Its last chunk was closed long ago, and a record has come since, nobody knows when.
    await own_redis.setrange(NAMES.of(sealed), 9, b"\1")
    await own_redis.sadd(b"e:" + tag + bytes(13), "no log")
    await first.shares.crowd(tag, SHORT)
    for _ in range(10):
        await first.shares.sample(50, [tag])
    assert [await own_redis.exists(NAMES.of(key)) for key in (once, twice, sealed, new)] == [0, 1, 1, 1]
    assert all([await own_redis.ttl(NAMES.of(key)) <= SHORT for key in (twice, sealed, new)])


async def test_a_server_that_was_restarted_knows_of_no_crowded_tenant(own_redis: Redis, tenant: str) -> None:
    logs = logs_in(own_redis)
    await logs.proof()
    await logs.shares.crowd(NAMES.tag(tenant), SHORT)
    await own_redis.hset(STATE, "run", "another")
    assert (await logs.shares.memory()).shares == {}


async def test_no_more_tenants_are_known_of_than_a_batch_can_read(own_redis: Redis) -> None:
    logs = logs_in(own_redis)
    await logs.proof()
    tags = [struct.pack("<I", number)[:3] for number in range(501)]
    done = [await logs.shares.crowd(tag, SHORT) for tag in tags]
    assert done == [True] * 500 + [False]
    assert await logs.shares.crowd(tags[7], 2 * SHORT)
    found = (await logs.shares.memory()).shares
    assert (set(found), found[tags[7]].seconds) == (set(tags[:500]), 2 * SHORT)
