"""Hashes passwords with Argon2id beside the event loop, few at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from services.auth import errors
from services.auth.adapters.argon2id import Argon2id

__all__ = ["Argon2Hasher"]

Result = TypeVar("Result")

WAITING_PER_THREAD = 16
"""More than that would wait for longer than their callers do: half a second at 30 ms each."""


class Argon2Hasher:
    """Implements `PasswordHasher`. `threads` of its own wait for what `argon2id` computes."""

    def __init__(self, argon2id: Argon2id, *, threads: int) -> None:
        self._argon2id = argon2id
        self._executor = ThreadPoolExecutor(threads, "argon2id")
        self._most = threads * (1 + WAITING_PER_THREAD)
        self._under_way = 0
        self._of_nobody = argon2id.of_nobody()

    def check_room(self) -> None:
        if self._under_way >= self._most:
            raise errors.too_many_sign_ins()

    async def hash(self, password: str) -> str:
        return await self._run(partial(self._argon2id.hash, password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        expected = password_hash if password_hash is not None else self._of_nobody
        right = await self._run(partial(self._argon2id.matches, expected, password))
        return right and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        return self._argon2id.outdated(password_hash)

    def close(self) -> None:
        """Ends the threads after what they are at."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], Result]) -> Result:
        self.check_room()
        self._under_way += 1
        future = self._executor.submit(work)
        loop = asyncio.get_running_loop()
        # The place is free when the thread is, also if nobody waits for it any more.
        future.add_done_callback(lambda _: _call_soon(loop, self._leave))
        return await asyncio.wrap_future(future)

    def _leave(self) -> None:
        self._under_way -= 1


def _call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
