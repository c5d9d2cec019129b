"""Buffers the answers of a call, so that what is ready together is written together."""

from __future__ import annotations

import asyncio
import logging

from gateway.calls.streams import Replies
from meshkit.errors import MeshError, internal

__all__ = ["Pump"]

MAX_MESSAGES = 64
MAX_BYTES = 256 << 10

_log = logging.getLogger(__name__)


class Pump:
    """Holds at most 64 messages, or 256 KiB and one message. While it is full nothing is read: so the service waits.

    `wake` is set when there is something to take, when the call is accepted, and when it is over.
    """

    def __init__(self, replies: Replies, wake: asyncio.Event) -> None:
        self._replies = replies
        self._wake = wake
        self._room = asyncio.Event()
        self._ready: list[bytes] = []
        self._bytes = 0
        self.accepted = False
        """True once the service has taken the call, or once it is over."""
        self.ended = False
        self.error: MeshError | None = None
        """Why the call failed, once `ended`."""

    @property
    def waiting(self) -> bool:
        """True if there is something to take."""
        return bool(self._ready)

    def take(self) -> list[bytes]:
        """Returns what is ready, in order."""
        ready, self._ready, self._bytes = self._ready, [], 0
        self._room.set()
        return ready

    async def run(self) -> None:
        """Reads to the end of the call. When it is cancelled, so is the call."""
        try:
            await self._replies.accepted()
            self.accepted = True
            self._wake.set()
            await self._read()
        except MeshError as error:
            self.error = error
        except Exception:
            _log.exception("a stream failed unexpectedly")
            self.error = internal()
        finally:
            self.accepted = self.ended = True
            self._wake.set()
            # Nothing to a call that is over, or that the cancellation of a read has cancelled.
            self._replies.cancel()

    async def _read(self) -> None:
        while (message := await self._replies.receive()) is not None:
            self._ready.append(message)
            self._bytes += len(message)
            self._wake.set()
            while len(self._ready) >= MAX_MESSAGES or self._bytes >= MAX_BYTES:
                self._room.clear()
                await self._room.wait()
