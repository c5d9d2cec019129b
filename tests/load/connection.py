"""One HTTP/1.1 connection of the generator. Kept minimal: its cost is taken from what is measured."""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

import httptools

__all__ = ["Connection", "Listener"]


class Listener(Protocol):
    """Hears how requests end."""

    def answered(self, connection: Connection, status: int, body: bytes) -> None:
        """The answer is complete; the connection is free again unless it has been closed."""

    def lost(self, connection: Connection, cause: str) -> None:
        """The connection is gone. `cause` is what befell its request, empty if it had none."""


class Connection(asyncio.Protocol):
    """Sends one request at a time. The parser calls the `on_` methods."""

    __slots__ = ("_body", "_cause", "_feed", "_listener", "_parser", "_transport", "busy", "label", "started")

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._parser = httptools.HttpResponseParser(self)
        self._feed = self._parser.feed_data
        self._transport: asyncio.Transport | None = None
        self._body = b""
        self._cause = "connection closed"
        self.busy = False
        self.started = 0.0
        """When the request under way was to be sent, on the clock of `time.perf_counter`."""
        self.label = ""
        """The kind of the request under way, where there are several."""

    def send(self, message: bytes, started: float, label: str = "") -> None:
        """Sends a request; the connection must be open and free."""
        assert self._transport is not None
        self.label = label
        self.busy = True
        self.started = started
        self._body = b""
        self._transport.write(message)

    def abort(self, cause: str) -> None:
        """Closes the connection; a request under way ends with this cause."""
        self._cause = cause
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self.abort("answer is not HTTP")

    def connection_lost(self, error: Exception | None) -> None:
        cause = self._cause if self.busy else ""
        self.busy = False
        self._listener.lost(self, cause)

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        if not self.busy:  # nobody asked for it
            self.abort("")
            return
        self.busy = False
        self._listener.answered(self, self._parser.get_status_code(), self._body)
