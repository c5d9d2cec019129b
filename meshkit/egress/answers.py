"""Reads the answer to a request, up to what it may be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import httptools

from meshkit.egress.errors import EgressError, EgressFault

__all__ = ["EgressAnswer", "read_answer"]

MOST_HEADER_OCTETS = 32 * 1024
_PIECE = 16 * 1024
_FRAMED = 2
"""How many times its octets a body may take as it comes, in chunks and with what is told beforehand."""


@dataclass(frozen=True, slots=True)
class EgressAnswer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """By their names in lower case; of several with one name the last."""
    body: bytes = field(repr=False)


class _Reading:
    """Takes the calls of the parser."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._room = MOST_HEADER_OCTETS + _FRAMED * most
        self._parser = httptools.HttpResponseParser(self)
        self._head = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.status = 0
        self.over = False
        self.fits = True

    def feed(self, data: bytes) -> None:
        """Reads on. Raises EgressError."""
        self._room -= len(data)
        if self._room < 0:
            # The parser has no bound of its own, and keeps a field that does not end.
            raise EgressError(EgressFault.TOO_LARGE)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            raise EgressError(EgressFault.MALFORMED) from None
        if not self.fits:
            raise EgressError(EgressFault.TOO_LARGE)

    def close(self) -> None:
        """Takes it that the other side has closed, which is how an answer without a length ends. Raises EgressError."""
        if not self.status or "content-length" in self.headers or "transfer-encoding" in self.headers:
            raise EgressError(EgressFault.MALFORMED)
        self.over = True

    def on_message_begin(self) -> None:
        if self.over:
            raise EgressError(EgressFault.MALFORMED)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value)
        self.fits = self.fits and self._head <= MOST_HEADER_OCTETS
        if self.fits:
            self.headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self.fits = self.fits and len(self.body) + len(data) <= self._most
        if self.fits:
            self.body += data

    def on_message_complete(self) -> None:
        if 100 <= self.status < 200:
            # A word beforehand (RFC 9110, section 15.2): the answer follows.
            self.status, self.headers = 0, {}
            return
        self.over = True


async def read_answer(reader: asyncio.StreamReader, most: int) -> EgressAnswer:
    """Reads an answer with a body of at most so many octets. The caller bounds the time. Raises EgressError."""
    reading = _Reading(most)
    while not reading.over:
        if data := await reader.read(_PIECE):
            reading.feed(data)
        else:
            reading.close()
    return EgressAnswer(reading.status, reading.headers, bytes(reading.body))
