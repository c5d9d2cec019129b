"""Stores idempotency records in Redis: one round trip a step, none longer than a quarter second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.calls.idempotency import records
from gateway.calls.idempotency.store import Begun, Claim, KeyStoreUnavailableError, StoredAnswer

__all__ = ["RedisIdempotencyStore"]

SECONDS = 0.25
PREFIX = "idempotency:"
_FOLDER = Path(__file__).parent


class RedisIdempotencyStore:
    """Implements `KeyStore`."""

    def __init__(self, redis: Redis) -> None:
        self._begin = redis.register_script((_FOLDER / "begin.lua").read_text())
        self._settle = redis.register_script((_FOLDER / "settle.lua").read_text())

    async def begin(self, claim: Claim, hold: float) -> Begun:
        async with _bounded():
            found = await self._begin([_key(claim)], [records.claimed(claim), _milliseconds(hold)])
        return records.read(found) if found is not None else None

    async def settle(self, claim: Claim, answer: StoredAnswer, keep: float) -> None:
        after = records.settled(claim, answer)
        async with _bounded():
            await self._settle([_key(claim)], [records.claimed(claim), after, _milliseconds(keep)])

    async def release(self, claim: Claim) -> None:
        async with _bounded():
            await self._settle([_key(claim)], [records.claimed(claim), b"", 0])


def _key(claim: Claim) -> str:
    return PREFIX + claim.name.hex()


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(SECONDS):
            yield
    except (RedisError, OSError, TimeoutError) as error:
        raise KeyStoreUnavailableError(type(error).__name__) from error
