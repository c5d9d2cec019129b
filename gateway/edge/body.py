"""Reads request bodies within a size and a time, and refuses by their headers those that it need not read."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time

from starlette.types import Receive

from gateway.edge.exchange import Exchange
from gateway.grammar.media_type import read_media_type
from meshkit.errors import Kind, MeshError

__all__ = ["BodyReader"]

SWEEP_SECONDS = 1.0
LINGER_BYTES = 32 << 20
LINGER_SECONDS = 2.0

_JSON_TYPE = re.compile(rb"application/(?:vnd\.[a-z0-9!#$&^_.-]+\+)?json")
_ENCODINGS: tuple[dict[bytes, bytes], ...] = ({}, {b"charset": b"utf-8"})
_JSON_TYPES = (b"application/json", b"application/json; charset=utf-8")


class BodyReader:
    """Reads bodies of at most `max_bytes` that arrive within `seconds`.

    Slow senders are found by one sweep over all requests: a timer for each would cost more than reading its body.
    """

    def __init__(self, *, max_bytes: int, seconds: float = 15.0) -> None:
        self.max_bytes = max_bytes
        self._seconds = seconds
        self._until: dict[asyncio.Task[None] | None, float] = {}
        self._late: set[asyncio.Task[None]] = set()

    def check(self, exchange: Exchange, *, raw: bool = False) -> None:
        """Refuses a body by its headers: too large, compressed, or, unless it is `raw`, of another type than JSON."""
        length = exchange.headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 18 or int(length) > self.max_bytes:
            raise _too_large(exchange, self.max_bytes)
        kind = exchange.headers.get(b"content-type")
        if not raw and kind is not None and kind not in _JSON_TYPES and not _is_json(kind):
            raise _unsupported("the media type of the body must be application/json")
        if exchange.headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise _unsupported("the body must not be compressed")

    async def read(self, exchange: Exchange, max_bytes: int | None = None) -> bytes:
        """Reads a body, no further than its limit. Raises MeshError."""
        task: asyncio.Task[None] | None = asyncio.current_task()
        self._until[task] = time.monotonic() + self._seconds
        try:
            return await _read(exchange, max_bytes or self.max_bytes)
        except asyncio.CancelledError:
            if task is None or task not in self._late:
                raise
            self._late.discard(task)
            task.uncancel()
            exchange.body_unread = True
            raise MeshError(Kind.INVALID_ARGUMENT, "REQUEST_TIMEOUT", "the body did not arrive in time") from None
        finally:
            del self._until[task]

    async def sweep(self) -> None:
        """Ends the reads that take too long. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(min(SWEEP_SECONDS, self._seconds))
            now = time.monotonic()
            for task in [task for task, until in self._until.items() if until < now]:
                if task is not None and task not in self._late:
                    self._late.add(task)
                    task.cancel()

    async def linger(self, receive: Receive) -> None:
        """Discards what a refused sender still sends, so that closing the connection does not destroy the answer."""
        left = LINGER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                more = True
                while more and left > 0:
                    message = await receive()
                    left -= len(message.get("body", b""))
                    more = message.get("more_body", False)


async def _read(exchange: Exchange, max_bytes: int) -> bytes:
    receive = exchange.receive
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        if len(body) > max_bytes:
            raise _too_large(exchange, max_bytes)
        return body
    parts = bytearray()
    while message["type"] == "http.request":
        parts += message.get("body", b"")
        if len(parts) > max_bytes:
            raise _too_large(exchange, max_bytes)
        if not message.get("more_body", False):
            return bytes(parts)
        message = await receive()
    raise MeshError(Kind.CANCELLED, "CANCELLED", "the caller went away")


def _is_json(content_type: bytes) -> bool:
    found = read_media_type(content_type.lower())
    return found is not None and _JSON_TYPE.fullmatch(found.name) is not None and found.parameters in _ENCODINGS


def _too_large(exchange: Exchange, max_bytes: int) -> MeshError:
    exchange.body_unread = True
    return MeshError(
        Kind.INVALID_ARGUMENT,
        "BODY_TOO_LARGE",
        f"the body is larger than {max_bytes} bytes",
        metadata={"max_bytes": str(max_bytes)},
    )


def _unsupported(message: str) -> MeshError:
    return MeshError(Kind.INVALID_ARGUMENT, "MEDIA_TYPE_UNSUPPORTED", message)
