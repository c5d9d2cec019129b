"""Resumes HTTP/1.1 behind headers after which the parser does not go on: those of an `Upgrade` that was declined, and
those that name the coding in a way that it does not know.

What follows would be read as the next request, or as a body without end. Another parser is therefore told about the
body before it gets the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import httptools

__all__ = ["Callbacks", "Resumption", "parser_for", "resumed", "takes_method"]


class Callbacks(Protocol):
    """What a parser calls."""

    def on_message_begin(self) -> None: ...

    def on_url(self, url: bytes) -> None: ...

    def on_header(self, name: bytes, value: bytes) -> None: ...

    def on_headers_complete(self) -> None: ...

    def on_body(self, body: bytes) -> None: ...

    def on_message_complete(self) -> None: ...


class Resumption:
    """Passes on what a parser finds, except for the head that it was only given to know the body."""

    def __init__(self, target: Callbacks, head: bytes) -> None:
        self._target = target
        self.head = head
        self._hidden = True
        self.on_body = target.on_body
        self.on_message_complete = target.on_message_complete

    @classmethod
    def of(cls, target: Callbacks, fields: Mapping[bytes, bytes], persistent: bool) -> Resumption | None:
        """Returns what goes on with the body of a request, None if it has none."""
        if b"transfer-encoding" in fields:
            framing = b"transfer-encoding: chunked"
        elif int(fields.get(b"content-length", b"0")):
            framing = b"content-length: " + fields[b"content-length"]
        else:
            return None
        connection = b"" if persistent else b"connection: close\r\n"
        return cls(target, b"POST / HTTP/1.1\r\n%b\r\n%b\r\n" % (framing, connection))

    def on_message_begin(self) -> None:
        if not self._hidden:
            self._target.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._hidden:
            self._target.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._hidden:
            self._target.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._hidden:
            self._hidden = False
        else:
            self._target.on_headers_complete()


def parser_for(target: Callbacks | Resumption) -> httptools.HttpRequestParser:
    """Returns a parser of requests. It is no judge of codings: `framing.flaw` is a stricter one."""
    parser = httptools.HttpRequestParser(target)
    # A caller that has been told of the end may have sent more already: that is no fault of its last request.
    parser.set_dangerous_leniencies(lenient_data_after_close=True, lenient_transfer_encoding=True)
    return parser


def takes_method(method: bytes) -> bool:
    """Tells whether the parser knows a method."""
    try:
        httptools.HttpRequestParser(None).feed_data(method + b" ")
    except httptools.HttpParserError:
        return False
    return True


def resumed(target: Callbacks, resumption: Resumption | None) -> httptools.HttpRequestParser:
    """Returns the parser of what follows the headers of a request."""
    parser = parser_for(resumption or target)
    if resumption is not None:
        parser.feed_data(resumption.head)
    return parser
