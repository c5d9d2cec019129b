"""Slow hashes, beside everything else."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from meshkit.errors import Kind, MeshError
from services.auth.adapters.argon2_hasher import WAITING_PER_THREAD, Argon2Hasher
from services.auth.adapters.argon2id import Argon2id


@pytest.fixture
def hasher() -> Iterator[Argon2Hasher]:
    made = Argon2Hasher(Argon2id(8, 1), threads=1)
    yield made
    made.close()


async def test_password_is_verified_by_its_hash(hasher: Argon2Hasher) -> None:
    hashed = await hasher.hash("a password")
    assert hashed.startswith("$argon2id$v=19$m=8,t=1,p=1$") and hashed != await hasher.hash("a password")
    assert await hasher.verify(hashed, "a password")
    assert not await hasher.verify(hashed, "another one")
    assert not await hasher.verify("no hash at all", "a password")
    assert not await hasher.verify(None, "a password")
    assert not hasher.outdated(hashed) and not hasher.outdated(hasher._of_nobody)


async def test_known_answer_of_the_reference_implementation(hasher: Argon2Hasher) -> None:
    # phc-winner-argon2, test.c: version 0x13, Argon2id, t=2, m=2^16, p=1, "password", "somesalt".
    known = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
    assert await hasher.verify(known, "password") and hasher.outdated(known)
    assert not await hasher.verify(known, "passwore")


async def test_more_than_can_be_served_soon_are_refused(hasher: Argon2Hasher) -> None:
    hold = threading.Event()
    held = asyncio.create_task(hasher._run(lambda: hold.wait(10)))
    waiting = [asyncio.create_task(hasher.hash("x" * 8)) for _ in range(WAITING_PER_THREAD)]
    await asyncio.sleep(0)
    with pytest.raises(MeshError) as caught:
        await hasher.hash("one too many")
    assert (caught.value.kind, caught.value.reason) == (Kind.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert caught.value.retry_after
    waiting.pop().cancel()
    hold.set()
    assert await held and len(await asyncio.gather(*waiting)) == WAITING_PER_THREAD - 1
    for _ in range(WAITING_PER_THREAD):
        await hasher.hash("there is room again")


async def test_loop_goes_on_while_passwords_are_hashed() -> None:
    slow = Argon2Hasher(Argon2id(65_536, 4), threads=1)
    hashing, turns = asyncio.create_task(slow.hash("a password")), 0
    while not hashing.done():
        turns += 1
        await asyncio.sleep(0.001)
    slow.close()
    assert turns > 5


async def test_hash_of_nobody_has_the_parameters_in_use() -> None:
    costly = Argon2Hasher(Argon2id(19_456, 2), threads=1)
    hashed = await costly.hash("a password")
    await costly.verify(None, "warm up")
    spent = []
    for expected in (hashed, None):
        begun = time.process_time()
        for _ in range(5):
            await costly.verify(expected, "another one")
        spent.append(time.process_time() - begun)
    costly.close()
    assert 0.6 < spent[1] / spent[0] < 1.6
