"""Serves connections of the admin port on uvicorn's protocol, within limits of number, size and time."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from meshkit.context import request_id

__all__ = ["AdminConnection"]

CONNECTIONS = 256
REQUEST_BYTES = 65_536
REQUEST_SECONDS = 10.0
"""From the start of a connection or of a request to the end of the request."""
ANSWER_SECONDS = 30.0
"""For an answer to be made and taken."""


class AdminConnection(HttpToolsProtocol):
    """Answers also who sends no more: the end of reading is not the end of the caller (RFC 9112, section 9.6)."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._received = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._within(REQUEST_SECONDS)
        if len(self.connections) > CONNECTIONS:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections are open")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._received += len(data)
        if self._received > REQUEST_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"a request has at most {REQUEST_BYTES} bytes")
            return
        super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            return False
        cycle.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._within(REQUEST_SECONDS)

    def on_message_complete(self) -> None:
        self._received = 0
        self._within(ANSWER_SECONDS)
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(HTTPStatus.BAD_REQUEST, "the request is not valid HTTP/1.1")

    def _within(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        told = request_id(None)
        problem = {"title": status.phrase, "status": status.value, "detail": words, "request_id": told}
        body = json.dumps(problem).encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/problem+json"),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", told.encode()),
            (b"connection", b"close"),
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(b"".join((STATUS_LINE[status], lines, b"\r\n", body)))
        self.transport.close()
