"""Shares the state of rate limits in Redis: one script, atomic and on the server's clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from gateway.edge.ratelimit.shared import MEMBER_SECONDS, Charge, LimitsUnavailableError, Tally

__all__ = ["RedisShared"]

EXCHANGE_SECONDS = 0.25
STRICT_SECONDS = 0.05
KEYS_PER_CALL = 100
"""A script holds up everything else that Redis does; this many keys are some tenths of a millisecond."""
MEMBERS = "{rate}:limiters"
_NO_WINDOW = -1.0
_FOLDER = Path(__file__).parent


class RedisShared:
    """Implements `SharedLimits`. A strict verdict fails after `strict_seconds`, all else after a quarter second."""

    def __init__(self, redis: Redis, *, strict_seconds: float = STRICT_SECONDS) -> None:
        self._redis = redis
        self._strict_seconds = strict_seconds
        self._limits = redis.register_script((_FOLDER / "limits.lua").read_text())
        self._members = redis.register_script((_FOLDER / "members.lua").read_text())

    async def exchange(self, uses: Mapping[str, float]) -> Sequence[float]:
        calls = list(_calls(uses))
        async with _bounded(EXCHANGE_SECONDS):
            answers = [await self._limits(*calls[0])] if len(calls) == 1 else await self._pipelined(calls)
        before = [float(backlog) for answer in answers for backlog in answer[1:]]
        return [max(0.0, backlog + use) for backlog, use in zip(before, uses.values(), strict=True)]

    async def take(self, charges: Sequence[Charge]) -> Tally:
        keys = [_key(charge.key) for charge in charges]
        numbers = [repr(number) for charge in charges for number in (charge.seconds, charge.window)]
        async with _bounded(self._strict_seconds):
            allowed, *backlogs = await self._limits(keys, numbers)
        return Tally(bool(allowed), [float(backlog) for backlog in backlogs])

    async def meet(self, member: str) -> int:
        async with _bounded(EXCHANGE_SECONDS):
            return int(await self._members([MEMBERS], [member, MEMBER_SECONDS]))

    async def _pipelined(self, calls: Sequence[tuple[list[str], list[str]]]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for keys, numbers in calls:
                await self._limits(keys, numbers, client=pipeline)
            return await pipeline.execute()


def _calls(uses: Mapping[str, float]) -> list[tuple[list[str], list[str]]]:
    """Splits an exchange into calls of the script: keys, and for each what to add and that there is no window."""
    items = list(uses.items())
    parts = [items[start : start + KEYS_PER_CALL] for start in range(0, len(items), KEYS_PER_CALL)]
    return [
        ([_key(key) for key, _ in part], [text for _, use in part for text in (repr(use), str(_NO_WINDOW))])
        for part in parts
    ]


@lru_cache(maxsize=16_384)
def _key(key: str) -> str:
    """Hashes a key, so that Redis holds no address in clear; the braces keep all keys in one slot of a cluster."""
    return f"{{rate}}:{blake2b(key.encode(), digest_size=12).hexdigest()}"


@asynccontextmanager
async def _bounded(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except (RedisError, OSError, TimeoutError) as error:
        raise LimitsUnavailableError(type(error).__name__) from error
