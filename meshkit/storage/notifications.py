"""Receives the notifications of PostgreSQL on a session of its own (LISTEN) and hands them to the waiters.

Needs a direct connection or a pooler in session mode. Without it everything goes on, at the pace of the polls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import asyncpg

from meshkit.storage.postgres import COMMAND_TIMEOUT, CONNECT_TIMEOUT, OUTAGES

__all__ = ["Notifications"]

_log = logging.getLogger(__name__)
CHECK_SECONDS = 5.0
RETRY_SECONDS = 0.5


class Notifications:
    """A background task that listens while the process runs.

    `tell` is given the text of each notification of the channel; `tell_all` is called when some may have been missed.
    """

    def __init__(self, dsn: str, channel: str, *, tell: Callable[[str], None], tell_all: Callable[[], None]) -> None:
        self._dsn = dsn
        self._channel = channel
        self._tell = tell
        self._tell_all = tell_all

    async def run(self) -> None:
        """Listens until cancelled. Outages are waited out; after each, everyone who waits is woken."""
        while True:
            try:
                await self._listen()
            except OUTAGES as error:
                _log.warning("notifications of %s cannot be heard: %s", self._channel, type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        session = await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_TIMEOUT,
            command_timeout=COMMAND_TIMEOUT,
            server_settings={"application_name": f"{self._channel} listener"},
        )
        try:
            await session.add_listener(self._channel, self._heard)
            self._tell_all()
            while True:
                await asyncio.sleep(CHECK_SECONDS)
                await session.execute("SELECT 1")
        finally:
            # Not `close`, which would wait for a server that may be the reason for leaving.
            session.terminate()

    def _heard(self, _: object, __: int, ___: str, payload: object) -> None:
        self._tell(str(payload))
