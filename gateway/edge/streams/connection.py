"""Carries both directions of an open WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from starlette.types import Message

from gateway.calls.streams import Conversation
from gateway.compile.streaming import StreamEndpoint
from gateway.edge.exchange import Exchange
from gateway.edge.streams.framing import result_frame, status_frame
from gateway.edge.streams.registry import StreamMetrics
from gateway.edge.streams.relay import Gone, Stalled, StreamRelay, unstalled
from gateway.edge.streams.requests import RequestReader
from gateway.edge.streams.session import Sessions
from gateway.errors.places import malformed, pointed
from meshkit.errors import Kind, MeshError, internal

__all__ = ["WebSocketConnection"]

FIRST_FRAME_SECONDS = 15.0
NORMAL_CLOSURE = 1000
PRIVATE_CLOSURES = 4000
MAX_REASON_BYTES = 123

_log = logging.getLogger(__name__)


class WebSocketConnection:
    """An open WebSocket."""

    def __init__(self, exchange: Exchange, endpoint: StreamEndpoint, reader: RequestReader) -> None:
        self.metrics = StreamMetrics(endpoint.route, "websocket")
        self._call = exchange.call
        self._endpoint = endpoint
        self._reader = reader
        self._receive = exchange.receive
        self._send = exchange.send

    async def messages(self, batch: Sequence[bytes]) -> None:
        if self._endpoint.raw is not None:
            for data in batch:
                await self._send({"type": "websocket.send", "bytes": self._endpoint.raw(data)[1]})
        else:
            for body, _ in self._endpoint.messages(batch):
                await self._send({"type": "websocket.send", "text": result_frame(body).decode()})
        self.metrics.sent(len(batch))

    async def idle(self) -> None:
        """The server itself pings."""

    async def first(self) -> bytes:
        """Returns the only request of a method that takes one. Raises MeshError."""
        try:
            async with asyncio.timeout(FIRST_FRAME_SECONDS):
                message = await self._receive()
        except TimeoutError:
            raise MeshError(Kind.INVALID_ARGUMENT, "REQUEST_TIMEOUT", "the request did not arrive in time") from None
        if message["type"] == "websocket.disconnect":
            raise _broken_off() if message.get("half_closed") else Gone
        return self._reader.read(_text(message))

    async def feed(self, relay: StreamRelay, conversation: Conversation | None) -> None:
        """Passes on what the client sends, as fast as the service takes it, until the client leaves.

        One that only sends no more (`half_closed`) goes on reading, if its side was over.
        """
        try:
            while (message := await self._receive())["type"] != "websocket.disconnect" or message.get("half_closed"):
                if message.get("half_closed"):
                    if conversation is not None:
                        raise _broken_off()
                    continue
                if conversation is None:
                    raise malformed("body", "", "must not be sent any more")
                frame = _text(message)
                if frame:
                    await conversation.send(self._reader.read(frame))
                else:
                    await conversation.end()
                    conversation = None
            relay.interrupt(Gone())
        except MeshError as error:
            relay.interrupt(error)
        except Exception:
            _log.exception("a stream failed unexpectedly", extra={"fields": {"request_id": self._call.request_id}})
            relay.interrupt(internal())

    async def close(self, sessions: Sessions, error: MeshError | None) -> None:
        """Says how the stream ended, if there is somebody to hear it."""
        if isinstance(error, Gone):
            return
        status = status_frame(sessions.status(pointed(error) if error is not None else None, self._call))
        code = PRIVATE_CLOSURES + error.kind if error is not None else NORMAL_CLOSURE
        reason = error.reason[:MAX_REASON_BYTES] if error is not None else ""
        with contextlib.suppress(Stalled, OSError):
            await unstalled(self._finish(status, code, reason))

    async def _finish(self, status: bytes, code: int, reason: str) -> None:
        await self._send({"type": "websocket.send", "text": status.decode()})
        await self._send({"type": "websocket.close", "code": code, "reason": reason})


def _broken_off() -> MeshError:
    return MeshError(Kind.CANCELLED, "CANCELLED", "the caller sends no more, and has not ended its side of the stream")


def _text(message: Message) -> bytes:
    text: str | None = message.get("text")
    if text is None:
        raise malformed("body", "", "must come in text frames")
    return text.encode(errors="replace")
