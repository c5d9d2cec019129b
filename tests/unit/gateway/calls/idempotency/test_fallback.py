"""The shared store comes and goes."""

from __future__ import annotations

import pytest

from gateway.calls.idempotency.fallback import PAUSE_SECONDS, FallbackIdempotencyStore
from gateway.calls.idempotency.memory import MemoryIdempotencyStore
from gateway.calls.idempotency.store import Known, StoredAnswer, Under
from tests.support.clock import Clock
from tests.support.keys import UnreliableKeyStore, new_claim, retry_of

ANSWER = StoredAnswer("request-1", b"answer")


@pytest.fixture
def clock() -> Clock[float]:
    return Clock(100.0)


@pytest.fixture
def shared() -> UnreliableKeyStore:
    return UnreliableKeyStore()


@pytest.fixture
def store(shared: UnreliableKeyStore, clock: Clock[float]) -> FallbackIdempotencyStore:
    return FallbackIdempotencyStore(shared, MemoryIdempotencyStore(), clock=clock)


async def test_other_gateways_see_what_the_shared_store_holds(
    store: FallbackIdempotencyStore, shared: UnreliableKeyStore
) -> None:
    claim = new_claim()
    other = FallbackIdempotencyStore(shared, MemoryIdempotencyStore())
    assert await store.begin(claim, 60) is None
    assert await other.begin(retry_of(claim), 60) == Under(claim.fingerprint)
    await store.settle(claim, ANSWER, 60)
    assert await other.begin(retry_of(claim), 60) == Known(claim.fingerprint, ANSWER)


async def test_without_the_shared_store_the_process_remembers(
    store: FallbackIdempotencyStore, shared: UnreliableKeyStore
) -> None:
    shared.down = True
    claim = new_claim()
    assert await store.begin(claim, 60) is None
    assert await store.begin(retry_of(claim), 60) == Under(claim.fingerprint)
    await store.settle(claim, ANSWER, 60)
    assert await store.begin(retry_of(claim), 60) == Known(claim.fingerprint, ANSWER)
    other = new_claim()
    assert await store.begin(other, 60) is None
    await store.release(other)
    assert await store.begin(retry_of(other), 60) is None


async def test_shared_store_that_fails_in_between_stops_nothing(
    store: FallbackIdempotencyStore, shared: UnreliableKeyStore
) -> None:
    first, second = new_claim(), new_claim()
    await store.begin(first, 60)
    await store.begin(second, 60)
    shared.down = True
    await store.settle(first, ANSWER, 60)
    await store.release(second)
    # What nobody could note is asked of the service again, which knows.
    assert await store.begin(retry_of(first), 60) is None
    assert await store.begin(retry_of(second), 60) is None


async def test_shared_store_that_failed_is_left_alone_for_a_while(
    store: FallbackIdempotencyStore, shared: UnreliableKeyStore, clock: Clock[float]
) -> None:
    shared.down = True
    for _ in range(5):
        await store.begin(new_claim(), 60)
    assert shared.steps == 1
    clock.now += PAUSE_SECONDS
    shared.down = False
    claim = new_claim()
    await store.begin(claim, 60)
    assert await shared.begin(retry_of(claim), 60) == Under(claim.fingerprint)


async def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    store = MemoryIdempotencyStore(max_entries=3)
    claims = [new_claim() for _ in range(4)]
    for claim in claims:
        await store.begin(claim, 60)
    assert [await store.begin(retry_of(claim), 60) is None for claim in reversed(claims)] == [False] * 3 + [True]


async def test_memory_is_bounded_in_bytes() -> None:
    store = MemoryIdempotencyStore(max_bytes=3_000)
    claims = [new_claim() for _ in range(4)]
    for claim in claims:
        await store.begin(claim, 60)
        await store.settle(claim, StoredAnswer("", bytes(1_000)), 60)
    found = [await store.begin(retry_of(claim), 60) for claim in claims[2:]]
    assert all(isinstance(each, Known) for each in found)
    assert await store.begin(retry_of(claims[0]), 60) is None
