"""Reads a streamed answer line by line over a connection of its own, such as `application/x-ndjson`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import httptools

from console.http import Headers, HttpError, Origin, Response

CONNECT_SECONDS = 3.0
LONGEST_LINE = 4 * 1024 * 1024
CHUNK = 65_536


class RefusedError(Exception):
    """The server answered with an error instead of a stream."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"status {response.status}")
        self.response = response


async def read_lines(
    base_url: str, path: str, headers: Headers, *, idle: float, method: str = "GET"
) -> AsyncGenerator[bytes, None]:
    """Yields the lines of the answer to a request as they arrive, without those that are blank.

    Raises HttpError if there is no answer, if it breaks off, or if nothing comes for `idle` seconds; RefusedError if
    its status is not 200.
    """
    origin = Origin.parse(base_url)
    reader, writer = await _connect(origin)
    try:
        writer.write(origin.message(method, path, headers, b""))
        answer = _Answer()
        while not answer.complete:
            answer.feed(await _read(reader, idle))
            for line in answer.take_lines():
                yield line
        if answer.status != 200:
            raise RefusedError(answer.response())
    finally:
        writer.close()


async def _connect(origin: Origin) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(origin.host, origin.port, ssl=origin.tls)
    except TimeoutError:
        raise HttpError(f"{origin.authority} did not accept a connection in {CONNECT_SECONDS:g} s") from None
    except OSError as error:
        raise HttpError(f"cannot connect to {origin.authority}: {error.strerror or error}") from error


async def _read(reader: asyncio.StreamReader, idle: float) -> bytes:
    try:
        async with asyncio.timeout(idle):
            data = await reader.read(CHUNK)
    except TimeoutError:
        raise HttpError(f"nothing came for {idle:g} s") from None
    except OSError as error:
        raise HttpError(f"the connection broke: {error.strerror or error}") from error
    if not data:
        raise HttpError("the server closed the connection")
    return data


class _Answer:
    """What has come so far. The parser calls the `on_` methods."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self.status = 0
        """0 until the headers have come."""
        self.complete = False

    def feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise HttpError("the answer is not HTTP") from error
        if len(self._body) > LONGEST_LINE:
            raise HttpError(f"the answer has a line of more than {LONGEST_LINE} bytes")

    def take_lines(self) -> list[bytes]:
        """Returns the lines that are complete, once each; none of an error."""
        if self.status != 200:
            return []
        *lines, rest = bytes(self._body).split(b"\n")
        self._body[:] = b"" if self.complete else rest
        if self.complete:
            lines.append(rest)
        return [line for line in lines if line.strip()]

    def response(self) -> Response:
        return Response(self.status, self._headers, bytes(self._body))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self._body += data

    def on_message_complete(self) -> None:
        self.complete = True
