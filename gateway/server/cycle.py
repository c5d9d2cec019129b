"""Runs the ASGI application for one request and writes its answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from meshkit.errors import Kind, MeshError, internal

__all__ = ["App", "Cycle", "CycleOwner"]

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger(__name__)

_NO_BODY = frozenset((204, 304))
_UNTIL_CLOSED = -1


class CycleOwner(Protocol):
    """The connection that a cycle is part of."""

    transport: asyncio.Transport
    flow: FlowControl

    @property
    def standing_head(self) -> bytes:
        """Header lines of every answer."""
        ...

    def finished(self, cycle: Cycle) -> None:
        """Is told that the last byte of the answer was written."""
        ...

    def failed(self, cycle: Cycle, error: MeshError) -> None:
        """Is told that there will be no, or no complete, answer."""
        ...


class Cycle:
    """Reads the body of one request and writes one answer. The head of an answer whose length is known waits for its
    body, so that both leave in one piece.
    """

    __slots__ = (
        "_arrived", "_broken_off", "_chunked", "_event", "_expects", "_head", "_host", "_left", "body", "disconnected",
        "keep_alive", "more_body", "response_complete", "response_started", "scope",
    )  # fmt: skip

    def __init__(self, host: CycleOwner, scope: Scope, *, keep_alive: bool, expects_continue: bool) -> None:
        self._host = host
        self.scope = scope
        self.keep_alive = keep_alive
        self._expects = expects_continue
        self._event: asyncio.Event | None = None
        self._arrived = False
        self._broken_off = False
        self._head = b""
        self._left = 0
        self._chunked = False
        self.body = bytearray()
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False

    async def run(self, app: App) -> None:
        """Runs the application. Whatever it does, the caller gets an answer or a closed connection."""
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            error = MeshError(Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "the process is stopping", retry_after=1)
            self._host.failed(self, error)
            raise
        except Exception:
            _log.exception("the application failed")
            self._host.failed(self, internal())
        else:
            if not self.response_complete and not self.disconnected:
                # A stream of raw bytes that broke off says so by this alone.
                _log.warning("the application returned without a complete answer")
                self._host.failed(self, internal())

    def wake(self) -> None:
        """Is called when there is news for `receive`."""
        self._arrived = True
        if self._event is not None:
            self._event.set()

    def disconnect(self) -> None:
        """Ends the exchange: nothing more comes, and nothing more can be said."""
        if not self.response_complete:
            self.disconnected = True
        self.wake()

    def break_off(self) -> None:
        """Tells the application that the rest of the body will not come. It may go on with its answer."""
        self._broken_off = True
        self.wake()

    async def receive(self) -> Message:
        if self._expects and not self.response_started and not self.disconnected:
            self._host.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._expects = False
        if not self._arrived and not self.disconnected and not self.response_complete and not self._broken_off:
            self._host.flow.resume_reading()
            await self._news()
        self._arrived = False
        if self.disconnected or self.response_complete or self._broken_off:
            return {"type": "http.disconnect"}
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body}

    async def _news(self) -> None:
        if self._event is None:
            self._event = asyncio.Event()
        self._event.clear()
        await self._event.wait()

    async def send(self, message: Message) -> None:
        flow = self._host.flow
        if flow.write_paused and not self.disconnected:
            await flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if not self.response_started:
            if kind != "http.response.start":
                raise RuntimeError(f"{kind} before http.response.start")
            self._start(message["status"], message.get("headers", ()))
        elif kind != "http.response.body" or self.response_complete:
            raise RuntimeError(f"{kind} is not due")
        else:
            self._write(message.get("body", b""), message.get("more_body", False))

    def _start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        lines: list[bytes] = []
        length = b""
        # A caller that still waits with its body will not send it now, and what follows would be read as one.
        self.keep_alive = self.keep_alive and not self._expects
        for name, value in headers:
            if name == b"content-length":
                length = value
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
                continue
            elif name == b"transfer-encoding":
                continue
            lines.append(b"%b: %b\r\n" % (name, value))
        self._frame(status, length, lines)
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        fields = b"".join(lines)
        # A header that brings line breaks of its own would be another answer (response splitting).
        if fields.count(b"\n") != len(lines) or fields.count(b"\r") != len(lines) or b"\0" in fields:
            raise RuntimeError("a header holds a line break or NUL")
        self._head = b"%b%b%b\r\n" % (STATUS_LINE[status], self._host.standing_head, fields)
        self.response_started = True
        if not length:
            self._flush(b"")

    def _frame(self, status: int, length: bytes, lines: list[bytes]) -> None:
        """Decides how the caller finds the end of the body (RFC 9112, section 6.3)."""
        if self.scope["method"] == "HEAD" or status in _NO_BODY:
            self._left = 0
        elif length:
            self._left = int(length)
        elif self.scope["http_version"] == "1.1":
            self._chunked = True
            lines.append(b"transfer-encoding: chunked\r\n")
        else:
            self._left = _UNTIL_CLOSED
            self.keep_alive = False

    def _write(self, body: bytes, more: bool) -> None:
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self._flush(chunk if more else chunk + b"0\r\n\r\n")
        elif self._left == _UNTIL_CLOSED:
            self._flush(body)
        elif self._left:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                raise RuntimeError("the body has another length than its content-length")
            self._flush(body)
        else:
            # Of the answer to HEAD the body is left out, whatever the application says.
            self._flush(b"")
        if not more:
            self.response_complete = True
            self.wake()
            self._host.finished(self)

    def _flush(self, body: bytes) -> None:
        head, self._head = self._head, b""
        data = head + body if head else body
        if data:
            self._host.transport.write(data)

    @property
    def silent(self) -> bool:
        """True while the caller has seen nothing of an answer."""
        return not self.response_started or bool(self._head)
