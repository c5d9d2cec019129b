"""What every store of idempotency keys does: in memory and in a real Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from gateway.calls.idempotency import redis_store
from gateway.calls.idempotency.memory import MemoryIdempotencyStore
from gateway.calls.idempotency.redis_store import PREFIX, RedisIdempotencyStore
from gateway.calls.idempotency.store import (
    Claim,
    IdempotencyStore,
    KeyStoreUnavailableError,
    Known,
    StoredAnswer,
    Under,
)
from meshkit.storage.redis import open_redis
from tests.support.keys import new_claim, retry_of
from tests.support.listening import listening
from tests.support.processes import free_port

LONG = 60.0
SHORT = 0.05
PATIENT = 10.0
"""Seconds for the server, on a busy machine."""
ANSWER = StoredAnswer("request-1", b"\x00answer")


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    client = open_redis(valkey_url, timeout=PATIENT)
    yield client
    await client.aclose()


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> IdempotencyStore:
    if request.param == "memory":
        return MemoryIdempotencyStore()
    monkeypatch.setattr(redis_store, "SECONDS", PATIENT)
    return RedisIdempotencyStore(request.getfixturevalue("redis"))


@pytest.fixture
def claim() -> Claim:
    return new_claim()


async def test_first_of_a_key_claims_it_and_the_others_see_that(store: IdempotencyStore, claim: Claim) -> None:
    assert await store.begin(claim, LONG) is None
    for _ in range(2):
        assert await store.begin(retry_of(claim), LONG) == Under(claim.fingerprint)


async def test_of_many_at_once_one_claims_the_key(store: IdempotencyStore, claim: Claim) -> None:
    found = await asyncio.gather(*[store.begin(retry_of(claim), LONG) for _ in range(30)])
    assert found.count(None) == 1
    assert found.count(Under(claim.fingerprint)) == 29


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        StoredAnswer("", b""),
        StoredAnswer("request-1", b"status", failed=True),
        StoredAnswer("request-1", None),
        StoredAnswer("x" * 128, b"\xff" * 65_536),
    ],
    ids=["answer", "empty", "error", "too large", "longest"],
)
async def test_settled_key_has_its_answer(store: IdempotencyStore, claim: Claim, answer: StoredAnswer) -> None:
    await store.begin(claim, LONG)
    await store.settle(claim, answer, LONG)
    for _ in range(2):
        assert await store.begin(retry_of(claim), LONG) == Known(claim.fingerprint, answer)


async def test_released_key_can_be_claimed_again(store: IdempotencyStore, claim: Claim) -> None:
    await store.begin(claim, LONG)
    await store.release(claim)
    assert await store.begin(replace(retry_of(claim), fingerprint=b"o" * 16), LONG) is None


async def test_claim_of_a_process_that_died_expires(store: IdempotencyStore, claim: Claim) -> None:
    await store.begin(claim, SHORT)
    await asyncio.sleep(2 * SHORT)
    assert await store.begin(retry_of(claim), LONG) is None


async def test_answer_expires(store: IdempotencyStore, claim: Claim) -> None:
    await store.begin(claim, LONG)
    await store.settle(claim, ANSWER, SHORT)
    await asyncio.sleep(2 * SHORT)
    assert await store.begin(retry_of(claim), LONG) is None


async def test_who_lost_the_claim_changes_nothing(store: IdempotencyStore, claim: Claim) -> None:
    await store.begin(claim, SHORT)
    await asyncio.sleep(2 * SHORT)
    after = retry_of(claim)
    await store.begin(after, LONG)
    await store.settle(claim, ANSWER, LONG)
    await store.release(claim)
    assert await store.begin(retry_of(claim), LONG) == Under(claim.fingerprint)
    await store.settle(after, ANSWER, LONG)
    await store.settle(claim, StoredAnswer("late", b"other"), LONG)
    await store.release(after)
    assert await store.begin(retry_of(claim), LONG) == Known(claim.fingerprint, ANSWER)


async def test_claim_that_expired_unnoticed_is_not_settled(store: IdempotencyStore, claim: Claim) -> None:
    await store.begin(claim, SHORT)
    await asyncio.sleep(2 * SHORT)
    await store.settle(claim, ANSWER, LONG)
    await store.release(claim)
    assert await store.begin(retry_of(claim), LONG) is None


async def test_keys_do_not_touch_each_other(store: IdempotencyStore, claim: Claim) -> None:
    other = new_claim()
    assert await store.begin(claim, LONG) is None
    assert await store.begin(other, LONG) is None
    await store.release(other)
    assert await store.begin(retry_of(claim), LONG) == Under(claim.fingerprint)


async def test_nothing_stays_in_redis_for_ever(redis: Redis, claim: Claim) -> None:
    store = RedisIdempotencyStore(redis)
    await store.begin(claim, LONG)
    assert 0 < await redis.pttl(PREFIX + claim.name.hex()) <= LONG * 1000
    await store.settle(claim, ANSWER, 2 * LONG)
    assert LONG * 1000 < await redis.pttl(PREFIX + claim.name.hex()) <= 2 * LONG * 1000


@pytest.mark.parametrize("record", [b"", b"u", b"z" + b"x" * 32, b"a" + b"x" * 16])
async def test_what_another_version_wrote_does_not_stop_a_request(redis: Redis, claim: Claim, record: bytes) -> None:
    await redis.set(PREFIX + claim.name.hex(), record)
    assert await RedisIdempotencyStore(redis).begin(claim, LONG) is None


async def test_redis_that_is_gone_or_hangs_is_said_to_be_unavailable(claim: Claim) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with listening(hang) as port:
        for url in (f"redis://127.0.0.1:{port}", f"redis://127.0.0.1:{free_port()}"):
            client = open_redis(url)
            store = RedisIdempotencyStore(client)
            for step in (store.begin(claim, LONG), store.settle(claim, ANSWER, LONG), store.release(claim)):
                with pytest.raises(KeyStoreUnavailableError):
                    await step
            await client.aclose()
