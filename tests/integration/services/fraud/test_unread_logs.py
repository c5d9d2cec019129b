"""A log that is only written is filled later: nothing is answered of it, and it is not whole until that is done."""

from __future__ import annotations

import asyncio
import time

import pytest
from redis.asyncio import Redis

from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.ports import EntityLogs, LogKey, LogState
from tests.support.log_writes import key_of, records, restored, write
from tests.support.readers import logs_in, settled


@pytest.fixture(params=["memory", "redis"])
def logs(request: pytest.FixtureRequest) -> EntityLogs:
    if request.param == "memory":
        return MemoryLogs(time.time)
    redis: Redis = request.getfixturevalue("redis")
    return logs_in(redis)


async def append(logs: EntityLogs, key: LogKey, data: list[bytes], *, is_read: bool) -> tuple[LogState, bytes]:
    appended = await logs.append([(key.stream.tenant_id, "t")], [write(key, data)._replace(is_read=is_read)])
    logs.settle(appended.ticket, [])
    await settled(logs)
    return appended.answers[0].state, appended.answers[0].unseen


async def test_it_is_not_whole_although_nothing_is_lost_and_is_when_it_was_filled(
    logs: EntityLogs, tenant: str
) -> None:
    key, made = key_of(tenant), records(6)
    proof = await logs.proof()
    assert await logs.prove_all(proof)
    for record in made[:2]:
        state, _ = await append(logs, key, [record], is_read=False)
        assert state is not LogState.WHOLE
    assert (await append(logs, key, [made[2]], is_read=True))[0] is LogState.PARTIAL
    await logs.restore([restored(key, made[3:5], last=False)], proof)
    # Of a log that began in the second in which the sweep ended nobody knows which was first.
    await asyncio.sleep(1.1)
    assert await logs.prove([key.stream], proof)
    state, unseen = await append(logs, key, [made[5]], is_read=True)
    assert (state, unseen) == (LogState.WHOLE, b"".join(made[:5]))


async def test_nothing_is_answered_of_a_long_one(logs: EntityLogs, tenant: str) -> None:
    key = key_of(tenant)
    await append(logs, key, records(500), is_read=False)
    _, unseen = await append(logs, key, records(1, first=500), is_read=False)
    assert unseen == b"" or isinstance(logs, MemoryLogs)
