"""Elects one process to do work for all replicas, by an advisory lock in PostgreSQL.

The leader works on the very session that holds the lock: when the session ends, so do the lock and whatever
transaction was open, and a process that was cut off cannot commit as a leader. Needs a direct connection or a pooler in
session mode.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import asyncpg

from meshkit.errors import MeshError
from meshkit.storage.postgres import COMMAND_TIMEOUT, CONNECT_TIMEOUT, OUTAGES, session_settings

__all__ = ["Leader", "Session"]

_log = logging.getLogger(__name__)

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_EXPECTED: tuple[type[BaseException], ...] = (*OUTAGES, MeshError)

ELECTION_SECONDS = 0.5
FIRST_BACKOFF = 0.1
MAX_BACKOFF = 1.0


class Leader:
    """Runs `work` while this process leads. Work that ends, or that an outage ends, starts again after a pause.

    An unexpected exception ends the lead and `run`: run it as a background task (see `meshkit.supervisor`).
    """

    def __init__(self, dsn: str, name: str, work: Callable[[Session], Awaitable[None]]) -> None:
        self._dsn = dsn
        self._name = name
        self._work = work
        self._lock = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)

    async def run(self) -> None:
        """Waits for the lead and works, until cancelled. Raises what the work raises and what is no outage."""
        backoff = FIRST_BACKOFF
        while True:
            started = asyncio.get_running_loop().time()
            try:
                await self._lead()
            except _EXPECTED as error:
                _log.warning("%s stopped: %s", self._name, _words(error))
            lasted = asyncio.get_running_loop().time() - started
            backoff = FIRST_BACKOFF if lasted > 10 * MAX_BACKOFF else min(2 * backoff, MAX_BACKOFF)
            await asyncio.sleep(backoff)

    async def _lead(self) -> None:
        session = await self._open()
        try:
            await self._elected(session)
            _log.info("leading: %s", self._name)
            await self._work(session)
        finally:
            # Not `close`, which would wait for a server that may be the reason for leaving.
            session.terminate()

    async def _elected(self, session: Session) -> None:
        while True:
            if await session.fetchval("SELECT pg_try_advisory_lock($1)", self._lock):
                return
            await asyncio.sleep(ELECTION_SECONDS)

    async def _open(self) -> Session:
        return await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings=session_settings(f"rampart {self._name}"),
        )


def _words(error: BaseException) -> str:
    return error.message if isinstance(error, MeshError) else type(error).__name__
