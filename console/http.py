"""A small HTTP/1.1 client that keeps its connections, for programs that send many requests to one server."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httptools

Headers = Iterable[tuple[str, str]]


class HttpError(Exception):
    """No answer: the connection could not be made or broke, the time ran out, or what came is not HTTP."""


@dataclass(frozen=True)
class Response:
    """An answer. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """Returns the object in the body. Raises HttpError if there is none."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise HttpError(f"the body of a {self.status} answer is not JSON") from error
        if not isinstance(value, dict):
            raise HttpError(f"the body of a {self.status} answer is not a JSON object")
        return value


@dataclass(frozen=True)
class Origin:
    """A server and how to reach it."""

    host: str
    port: int
    authority: str
    prefix: str
    """In front of every path; empty or without a slash at its end."""
    tls: ssl.SSLContext | None

    @classmethod
    def parse(cls, base_url: str, tls: ssl.SSLContext | None = None) -> Origin:
        """Raises ValueError unless it is an http or https address."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{base_url} is not an http or https address")
        secure = parts.scheme == "https"
        return cls(
            parts.hostname,
            parts.port or (443 if secure else 80),
            parts.netloc.rpartition("@")[2],
            parts.path.rstrip("/"),
            (tls or ssl.create_default_context()) if secure else None,
        )

    def message(self, method: str, path: str, headers: Headers, body: bytes) -> bytes:
        """Returns a whole request."""
        lines = [f"{method} {self.prefix}{path} HTTP/1.1", f"host: {self.authority}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body


class HttpClient:
    """Sends requests to one server over at most `connections` connections; further requests wait for one.

    Times are in seconds: `timeout` bounds a request from its start to the end of its answer.
    """

    def __init__(
        self,
        base_url: str,
        *,
        connections: int,
        timeout: float = 10.0,
        connect_timeout: float = 3.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._origin = Origin.parse(base_url, tls)
        self._timeout = timeout
        self._connect_timeout = connect_timeout
        self._slots = asyncio.Semaphore(connections)
        self._idle: deque[_Connection] = deque()

    async def request(self, method: str, path: str, *, headers: Headers = (), body: bytes = b"") -> Response:
        """Sends one request and returns its answer. Raises HttpError; it never sends a request twice."""
        message = self._origin.message(method, path, headers, body)
        async with self._slots:
            connection = await self._connection()
            try:
                answer = await connection.send(message, self._timeout)
            except BaseException:
                connection.close()
                raise
            if connection.is_open:
                self._idle.append(connection)
            return answer

    def close(self) -> None:
        """Closes the connections that are not in use."""
        while self._idle:
            self._idle.pop().close()

    async def _connection(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        origin, loop = self._origin, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_timeout):
                _, protocol = await loop.create_connection(_Connection, origin.host, origin.port, ssl=origin.tls)
        except TimeoutError:
            raise HttpError(f"{origin.authority} did not accept a connection in {self._connect_timeout:g} s") from None
        except OSError as error:
            raise HttpError(f"cannot connect to {origin.authority}: {error.strerror or error}") from error
        return protocol


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way. The parser calls the `on_` methods."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self.is_open = False

    async def send(self, message: bytes, timeout: float) -> Response:
        transport = self._transport
        if transport is None or not self.is_open:
            raise HttpError("the connection was closed")
        answer: asyncio.Future[Response] = self._loop.create_future()
        self._answer = answer
        timer = self._loop.call_later(timeout, self._expire, timeout)
        transport.write(message)
        try:
            return await answer
        finally:
            timer.cancel()

    def close(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def _expire(self, timeout: float) -> None:
        self._fail(f"no answer in {timeout:g} s")

    def _fail(self, message: str, cause: BaseException | None = None) -> None:
        if self._answer is not None and not self._answer.done():
            error = HttpError(message)
            error.__cause__ = cause
            self._answer.set_exception(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail("the answer is not HTTP", error)
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_open = False
        self._fail("the server closed the connection", error)

    def on_message_begin(self) -> None:
        self._headers = {}
        self._body = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return
        answer = self._answer
        awaited = answer is not None and not answer.done()
        if answer is not None and awaited:
            answer.set_result(Response(status, self._headers, b"".join(self._body)))
        # What nobody asked for must not be taken for the next answer.
        if not awaited or not self._parser.should_keep_alive():
            self.close()
