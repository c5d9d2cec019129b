"""The two directions of an open WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Sequence

from gateway.calls.streams import Conversation
from gateway.compile.endpoint import Endpoint
from gateway.compile.plan import HttpViolation, malformed
from gateway.edge.exchange import Exchange, Message, Receive, Send
from gateway.edge.streams.framing import result_frame, status_frame
from gateway.edge.streams.registry import StreamMetrics
from gateway.edge.streams.relay import Gone, Stalled, StreamRelay, unstalled
from gateway.edge.streams.requests import RequestReader
from gateway.edge.streams.session import Sessions
from meshkit.errors import Kind, MeshError, internal

__all__ = ["WebSocketConnection"]

FIRST_FRAME_SECONDS = 15.0
NORMAL_CLOSURE = 1000
PRIVATE_CLOSURES = 4000
MAX_REASON_BYTES = 123

_log = logging.getLogger(__name__)


class WebSocketConnection:
    """An open WebSocket."""

    def __init__(
        self, exchange: Exchange, endpoint: Endpoint, reader: RequestReader, receive: Receive, send: Send
    ) -> None:
        assert endpoint.stream is not None
        self.exchange = exchange
        self.endpoint = endpoint
        self.metrics = StreamMetrics(endpoint.route, "websocket")
        self._codec = endpoint.stream
        self._reader = reader
        self._receive = receive
        self._send = send

    async def messages(self, batch: Sequence[bytes]) -> None:
        if self._codec.raw is not None:
            for data in batch:
                await self._send({"type": "websocket.send", "bytes": self._codec.raw(data)[1]})
        else:
            for body, _ in self._codec.messages(batch):
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
            raise Gone
        return self._reader.read(_text(message))

    async def feed(self, relay: StreamRelay, conversation: Conversation | None) -> None:
        """Passes on what the client sends, as fast as the service takes it, until the client leaves."""
        try:
            while (message := await self._receive())["type"] != "websocket.disconnect":
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
            _log.exception("a stream failed unexpectedly", extra={"fields": {"request_id": self.exchange.request_id}})
            relay.interrupt(internal())

    async def close(self, sessions: Sessions, error: MeshError | None) -> None:
        """Says how the stream ended, if there is somebody to hear it."""
        if isinstance(error, Gone):
            return
        status = status_frame(sessions.status(_pointing(error), self.exchange))
        code = PRIVATE_CLOSURES + error.kind if error is not None else NORMAL_CLOSURE
        reason = error.reason[:MAX_REASON_BYTES] if error is not None else ""
        with contextlib.suppress(Stalled, OSError):
            await unstalled(self._finish(status, code, reason))

    async def _finish(self, status: bytes, code: int, reason: str) -> None:
        await self._send({"type": "websocket.send", "text": status.decode()})
        await self._send({"type": "websocket.close", "code": code, "reason": reason})


def _text(message: Message) -> bytes:
    text: str | None = message.get("text")
    if text is None:
        raise malformed("body", "", "must come in text frames")
    return text.encode(errors="replace")


def _pointing(error: MeshError | None) -> MeshError | None:
    """Names the fields of a frame by their JSON Pointer, which is all that a client knows of it."""
    if error is not None and any(isinstance(each, HttpViolation) for each in error.violations):
        error.violations = tuple(
            dataclasses.replace(each, field=each.name) if isinstance(each, HttpViolation) else each
            for each in error.violations
        )
    return error
