"""What every implementation of the entity logs does."""

from __future__ import annotations

import struct
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import pytest
from redis.asyncio import Redis

from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.logs.names import PENDING, STATE, chunk_name
from services.fraud.adapters.logs.redis_logs import RedisLogs
from services.fraud.adapters.logs.sealing import OPEN_RECORDS
from services.fraud.domain.declared.records import WITHDRAWAL
from services.fraud.ports import EntityLogs, LogAnswer, LogKey, LogPart, LogState, LogStream
from tests.support.fraud import new_tenant
from tests.support.log_writes import SIZE, key_of, record, record_of, records, restored, write
from tests.support.readers import logs_in, settled

WHOLE, PARTIAL, STALE = LogState.WHOLE, LogState.PARTIAL, LogState.STALE


@pytest.fixture
async def in_redis(own_redis: Redis) -> AsyncIterator[RedisLogs]:
    logs = logs_in(own_redis)
    yield logs
    await settled(logs)


@pytest.fixture(params=["memory", "redis"])
def logs(request: pytest.FixtureRequest) -> EntityLogs:
    """Logs of which nothing is known to be whole."""
    if request.param == "memory":
        return MemoryLogs(time.time, whole=False)
    found: EntityLogs = request.getfixturevalue("in_redis")
    return found


@pytest.fixture
async def proven(logs: EntityLogs) -> EntityLogs:
    """The same, with everything proven that is not there."""
    await logs.prove_all(await logs.proof())
    if isinstance(logs, MemoryLogs):
        logs._whole = True
    return logs


def part(logs: EntityLogs, start: int, read: int, last: bytes) -> LogPart:
    """Says how far a log was read in the present generation."""
    return LogPart(start, read, last, logs._scripts.generation if isinstance(logs, RedisLogs) else b"")


async def append(
    logs: EntityLogs, key: LogKey, data: Sequence[bytes], seen: LogPart | None = None, *, settle: bool = True
) -> LogAnswer:
    appended = await logs.append([(key.stream.tenant_id, "t")], [write(key, data, seen)])
    if settle:
        logs.settle(appended.ticket, [])
        await settled(logs)
    return appended.answers[0]


async def loaded(logs: EntityLogs, key: LogKey, after: LogPart | None = None) -> list[bytes] | None:
    """Returns the records of a log, None if it is not yielded at all."""
    slices = [each async for each in logs.load(key, SIZE, 86_400, after)]
    if not slices:
        return None
    place = slices[0].place
    for each in slices:
        assert each.place == place and each.start <= place
        place += len(each.records) // SIZE
    data = b"".join(each.records for each in slices)
    return [data[at : at + SIZE] for at in range(0, len(data), SIZE)]


async def test_who_appends_is_told_what_was_there_before_and_not_his_own(proven: EntityLogs, tenant: str) -> None:
    key, made = key_of(tenant), records(6)
    assert await append(proven, key, made[:2]) == LogAnswer(WHOLE)
    assert await append(proven, key, made[2:3]) == LogAnswer(WHOLE, 0, b"".join(made[:2]))
    assert await append(proven, key, made[3:4], part(proven, 0, 2, made[1])) == LogAnswer(WHOLE, 0, made[2])
    assert await append(proven, key, made[4:], part(proven, 0, 4, made[3])) == LogAnswer(WHOLE, 0, b"")
    assert await loaded(proven, key) == made


async def test_logs_of_other_keys_kinds_and_tenants_are_other_logs(proven: EntityLogs, tenant: str) -> None:
    key = key_of(tenant)
    others = [key_of(tenant, "u2"), key_of(new_tenant()), LogKey(LogStream(tenant, "another"), "u1")]
    await append(proven, key, [record("a")])
    for each in others:
        assert await append(proven, each, [record("b")]) == LogAnswer(WHOLE)
    assert await loaded(proven, key) == [record("a")]


async def test_records_of_one_call_arrive_together_at_the_time_that_is_told(proven: EntityLogs, tenant: str) -> None:
    before, (first, second) = int(time.time() * 1000), records(2)
    keys = [key_of(tenant, value) for value in ("u1", "u2")]
    appended = await proven.append([], [write(each, [first, second], untimed=True) for each in keys])
    proven.settle(appended.ticket, [])
    assert before <= appended.arrival_ms <= int(time.time() * 1000)
    stamp = struct.pack("<q", appended.arrival_ms)
    for each in keys:
        assert await loaded(proven, each) == [stamp + first[8:], stamp + second[8:]]


async def test_each_check_has_a_place_of_its_own_in_the_order_of_arrival(proven: EntityLogs, tenant: str) -> None:
    key, before = key_of(tenant), int(time.time() * 1_000_000)
    first, second, third = [
        await proven.append([(tenant, f"{batch}-{n}") for n in range(500)], [write(key, [record(batch)])])
        for batch in range(3)
    ]
    assert before <= first.order <= first.order + 500 <= second.order <= second.order + 500 <= third.order
    assert third.order + 500 <= int(time.time() * 1_000_000) + 1_500


async def test_what_comes_again_is_known_by_the_place_of_its_first_attempt_until_it_is_settled(
    proven: EntityLogs, tenant: str
) -> None:
    key, keys = key_of(tenant), [(tenant, "a"), (tenant, "b")]
    first = await proven.append(keys, [write(key, [record_of(*each) for each in keys])])
    again = await proven.append(keys[1:], [write(key, [record_of(*keys[1], attempt=8)])])
    assert await proven.arrivals({keys[1]: 7, (tenant, "c"): 7}) == {keys[1]: first.order + 1}
    assert await proven.arrivals({keys[1]: 8}) == {keys[1]: again.order}
    for each in (first, again):
        proven.settle(each.ticket, [])
    await settled(proven)
    assert await proven.arrivals(dict.fromkeys(keys, 7)) == {}


async def test_attempt_that_was_withdrawn_a_moment_ago_is_still_known_by_its_place(
    proven: EntityLogs, tenant: str
) -> None:
    key, again = key_of(tenant), (tenant, "a")
    first = await proven.append([again], [write(key, [record_of(*again)])])
    proven.settle(first.ticket, [write(key, [record_of(*again, kind=WITHDRAWAL)])])
    await settled(proven)
    assert await proven.arrivals({again: 7}) == {again: first.order}


@pytest.mark.parametrize(
    "read",
    [(0, 1, record("other")), (0, 3, record(1)), (0, 9, record(1)), (4, 1, record(4))],
    ids=["another record", "another place", "beyond the end", "another part"],
)
async def test_who_has_seen_another_log_has_to_load(
    proven: EntityLogs, tenant: str, read: tuple[int, int, bytes]
) -> None:
    key = key_of(tenant)
    await append(proven, key, records(3))
    seen = part(proven, *read)
    assert (await append(proven, key, [record("own")], seen)).state is STALE
    assert await loaded(proven, key, seen) is None
    assert await loaded(proven, key) == [*records(3), record("own")]


async def test_log_of_a_stream_that_is_not_proven_is_partial_and_told_as_far_as_it_goes(
    logs: EntityLogs, tenant: str
) -> None:
    key = key_of(tenant)
    assert await append(logs, key, [record("a")]) == LogAnswer(PARTIAL)
    assert await append(logs, key, [record("b")]) == LogAnswer(PARTIAL, 0, record("a"))
    assert await loaded(logs, key) is None
    assert not any((await logs.whole([key.stream])).values())


async def test_log_that_gets_its_history_is_whole_and_gets_it_once(logs: EntityLogs, tenant: str) -> None:
    key = key_of(tenant)
    await append(logs, key, [record("a")])
    history = records(3)
    await logs.restore([restored(key, history[:2], last=False)])
    assert (await append(logs, key, [record("b")])).state is PARTIAL
    await logs.restore([restored(key, history[2:])])
    await logs.restore([restored(key, history)])
    expected = [record("a"), *history[:2], record("b"), history[2]]
    assert await append(logs, key, [record("c")]) == LogAnswer(WHOLE, 0, b"".join(expected))
    assert await loaded(logs, key) == [*expected, record("c")]


async def test_log_that_is_not_there_gets_its_history_under_a_proof_alone(logs: EntityLogs, tenant: str) -> None:
    key, proof = key_of(tenant), await logs.proof()
    await logs.restore([restored(key, records(2))])
    await logs.restore([restored(key, records(2))], proof._replace(epoch=proof.epoch + 1))
    await logs.restore([restored(key, records(2))], proof._replace(lost=proof.lost + 1))
    assert await loaded(logs, key) is None
    await logs.restore([restored(key, records(2), last=False)], proof)
    assert await loaded(logs, key) is None, "there may be more of it"
    assert await logs.prove([key.stream], proof)
    assert await loaded(logs, key) == records(2)


async def test_streams_are_whole_once_they_are_proven_and_others_are_not(logs: EntityLogs, tenant: str) -> None:
    swept, other, proof = key_of(tenant), key_of(new_tenant()), await logs.proof()
    assert not await logs.prove([swept.stream], proof._replace(lost=proof.lost + 1))
    assert not await logs.prove_all(proof._replace(epoch=proof.epoch + 1))
    assert await logs.prove([swept.stream], proof)
    assert await logs.whole([swept.stream, other.stream]) == {swept.stream: True, other.stream: False}
    assert await append(logs, swept, [record("a")]) == LogAnswer(WHOLE)
    assert await append(logs, other, [record("a")]) == LogAnswer(PARTIAL)


async def test_log_is_loaded_on_from_what_was_read(proven: EntityLogs, tenant: str) -> None:
    key, made = key_of(tenant), records(5)
    await append(proven, key, made)
    assert await loaded(proven, key, part(proven, 0, 3, made[2])) == made[3:]
    assert await loaded(proven, key, part(proven, 0, 5, made[4])) == []
    assert await loaded(proven, key_of(tenant, "nobody")) is None


async def test_withdrawals_that_are_settled_are_records_of_their_logs(proven: EntityLogs, tenant: str) -> None:
    key, gone = key_of(tenant), record("a", kind=WITHDRAWAL)
    appended = await proven.append([(tenant, "a")], [write(key, [record("a")])])
    proven.settle(appended.ticket, [write(key, [gone], refresh=False)])
    await settled(proven)
    assert await loaded(proven, key) == [record("a"), gone]


async def test_log_of_another_generation_is_none(in_redis: RedisLogs, own_redis: Redis, tenant: str) -> None:
    """As after a restart: what is kept under its name is begun anew."""
    key = key_of(tenant)
    await in_redis.prove_all(await in_redis.proof())
    await append(in_redis, key, records(3))
    first = await in_redis.append([], [write(key, [record("a")])])
    seen = part(in_redis, 0, 3, record(2))
    await own_redis.hset(STATE, "run", "another")
    await own_redis.script_flush()
    second = await in_redis.append([], [write(key, [record("b")], seen)])
    assert second.answers == [LogAnswer(PARTIAL)]
    assert second.generation != first.generation
    assert await loaded(in_redis, key, seen) is None
    assert await append(in_redis, key, [record("c")]) == LogAnswer(PARTIAL, 0, record("b"))


async def test_something_else_under_its_name_is_left_alone_and_said(
    in_redis: RedisLogs, own_redis: Redis, tenant: str
) -> None:
    key = key_of(tenant)
    await append(in_redis, key, [record("a")])
    (name,) = await own_redis.keys("e:*")
    await own_redis.delete(name)
    await own_redis.sadd(name, "no log")
    appended = await in_redis.append([], [write(key, [record("b")]), write(key_of(tenant, "u2"), [record("b")])])
    assert [each.state for each in appended.answers] == [LogState.BROKEN, PARTIAL]
    await in_redis.restore([restored(key, records(2))])
    assert await own_redis.smembers(name) == {b"no log"}


async def test_batch_of_many_logs_and_of_a_long_history_is_divided(in_redis: RedisLogs, tenant: str) -> None:
    await in_redis.prove_all(await in_redis.proof())
    keys = [key_of(tenant, f"u{number}") for number in range(1_000)]
    appended = await in_redis.append([], [write(each, [record("a")]) for each in keys])
    assert len(appended.ticket.names) > 1 and len(appended.answers) == 1_000
    in_redis.settle(appended.ticket, [])
    partial, proof = key_of(tenant, "long"), await in_redis.proof()
    await in_redis.restore([restored(partial, records(9_000))], proof)
    assert await loaded(in_redis, partial) == records(9_000)


async def grown(logs: RedisLogs, key: LogKey, count: int, step: int = 400) -> list[bytes]:
    """Appends so many records as a process that follows the log."""
    made, seen = records(count), None
    for start in range(0, count, step):
        chunk = made[start : start + step]
        answer = await append(logs, key, chunk, seen)
        if answer.state is STALE:
            seen = None
        else:
            read = (seen.read if seen else 0) + len(answer.unseen) // SIZE + len(chunk)
            seen = part(logs, answer.start, read, chunk[-1])
    return made


async def test_open_part_that_has_grown_is_sealed_after_the_batch(
    in_redis: RedisLogs, own_redis: Redis, tenant: str
) -> None:
    await in_redis.prove_all(await in_redis.proof())
    key = key_of(tenant)
    made = await grown(in_redis, key, 5_000)
    names = await names_in(own_redis)
    chunks = len(names) - 1
    assert chunks >= 3
    assert set(names[1:]) == {chunk_name(names[0], number) for number in range(chunks)}
    assert await own_redis.strlen(names[0]) < 2 * OPEN_RECORDS * SIZE
    assert all([await own_redis.ttl(name) > 0 for name in names])
    assert await loaded(in_redis, key) == made
    for read in (1, 700, 1_199, 1_200, 1_201, 4_999):
        # Of who read in the open part of that time: a chunk begins where those before it end.
        starts = [await begin(own_redis, name) for name in names]
        start = max(each for each in starts if each < read)
        assert await loaded(in_redis, key, part(in_redis, start, read - start, made[read - 1])) == made[read:], read


async def names_in(redis: Redis) -> list[bytes]:
    """Returns the names of the open parts first, of those of sealed ones then."""
    found: Any = await redis.keys("e:*")
    return sorted(found, key=len)


async def begin(redis: Redis, name: bytes) -> int:
    """Returns how many records there are before a part of a log."""
    head: Any = await redis.getrange(name, 0, 19)
    return int.from_bytes(head[12:16], "little")


async def test_who_has_read_a_part_that_is_sealed_by_now_loads_the_rest(in_redis: RedisLogs, tenant: str) -> None:
    await in_redis.prove_all(await in_redis.proof())
    key = key_of(tenant)
    made = await grown(in_redis, key, 1_300, 100)
    for read in (50, 1_000, 1_100):
        seen = part(in_redis, 0, read, made[read - 1])
        assert (await append(in_redis, key, [record(f"own {read}")], seen)).state is STALE
        found = await loaded(in_redis, key, seen)
        assert found is not None and found[: 1_300 - read] == made[read:]


async def test_log_whose_first_chunk_is_gone_before_its_time_is_not_whole(
    in_redis: RedisLogs, own_redis: Redis, tenant: str
) -> None:
    await in_redis.prove_all(await in_redis.proof())
    key = key_of(tenant)
    made = await grown(in_redis, key, 3_000)
    name, first, *_ = await names_in(own_redis)
    await own_redis.delete(chunk_name(name, 0))
    assert first
    assert await loaded(in_redis, key) is None
    retained = [each async for each in in_redis.load(key, SIZE, -10)]
    assert b"".join(each.records for each in retained) == b"".join(made[retained[0].place :])
    assert retained[0].place > 0, "what is older than is retained is missed by nobody"


async def test_overdue_batch_is_withdrawn_by_its_attempts_and_settled(
    in_redis: RedisLogs, own_redis: Redis, tenant: str
) -> None:
    key, other = key_of(tenant), key_of(tenant, "u2")
    lost, stored = "lost", "stored"

    named = partial(record_of, tenant)
    writes = [write(key, [named(lost), named(stored)]), write(other, [named(lost)])]
    await in_redis.append([(tenant, lost), (tenant, stored)], writes)
    assert await in_redis.overdue(60) == []
    (batch,) = await in_redis.overdue(-1)
    assert set(batch.transactions) == {(tenant, lost), (tenant, stored)}
    await in_redis.withdraw(batch, {(tenant, lost)})
    assert await in_redis.overdue(-1) == []
    for each, kept in ((key, [named(lost), named(stored)]), (other, [named(lost)])):
        await in_redis.restore([restored(each, [])])
        found = await loaded(in_redis, each)
        assert found is not None and found[: len(kept)] == kept
        (gone,) = found[len(kept) :]
        assert (gone[16], gone[8:16], gone[22:24]) == (WITHDRAWAL, named(lost)[8:16], struct.pack("<H", 7))
    assert [await own_redis.hlen(each) for each in await own_redis.smembers(PENDING)] == [0]
