"""Hashes passwords with Argon2id (RFC 9106), on few threads that yield to everything else."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerificationError

from services.auth import errors

__all__ = ["Argon2Hasher"]

Result = TypeVar("Result")

NICENESS = 10
"""Of the threads: a storm of sign-ins takes what decisions leave."""
WAITING_PER_THREAD = 16
"""More than that would wait for longer than their callers do: half a second at 30 ms each."""


class Argon2Hasher:
    """Implements `PasswordHasher`. Of `threads` hashes at once each takes `memory_kib` of memory."""

    def __init__(self, *, memory_kib: int, passes: int, threads: int) -> None:
        self._argon2 = Argon2(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._executor = ThreadPoolExecutor(threads, "argon2", initializer=_yield_to_others)
        self._most = threads * (1 + WAITING_PER_THREAD)
        self._under_way = 0
        self._nobody: Future[str] | None = None

    def check_room(self) -> None:
        if self._under_way >= self._most:
            raise errors.too_many_sign_ins()

    async def hash(self, password: str) -> str:
        return await self._run(partial(self._argon2.hash, password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        expected = password_hash if password_hash is not None else await self._hash_of_nobody()
        right = await self._run(partial(self._matches, expected, password))
        return right and password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        return self._argon2.check_needs_rehash(password_hash)

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

    async def _hash_of_nobody(self) -> str:
        """Returns a hash with the parameters in use whose password nobody knows."""
        if self._nobody is None:
            self._nobody = self._executor.submit(self._argon2.hash, secrets.token_urlsafe())
        return await asyncio.wrap_future(self._nobody)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def _yield_to_others() -> None:
    if sys.platform == "linux":
        # On Linux the niceness is that of a thread. Who is nicer already may not take that back.
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))


def _call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)
