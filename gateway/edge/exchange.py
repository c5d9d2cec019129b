"""One HTTP exchange: its headers, its identity in logs and traces, and what is to be said of it at the end."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from random import getrandbits
from typing import Any

from gateway.edge.headers.fields import join
from gateway.errors.problem import Headers
from meshkit.context import Principal, valid_traceparent

__all__ = ["Exchange", "Message", "Receive", "Scope", "Send"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Exchange:
    """A request under way. Header names are lower case; what is given in several lines is joined."""

    __slots__ = (
        "body_unread", "client_address", "extra", "headers", "method", "path", "principal", "repeated", "repeats",
        "request_id", "route", "started", "status", "traceparent",
    )  # fmt: skip

    def __init__(self, scope: Scope, started: float) -> None:
        self.started = started
        self.method: str = scope["method"]
        self.path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.repeated = b""
        """The name of a header that was given twice and must not be."""
        if len(self.headers) != len(scope["headers"]):
            self.headers, self.repeated = join(scope["headers"])
        self.request_id = _request_id(self.headers.get(b"x-request-id"))
        self.traceparent = _traceparent(self.headers.get(b"traceparent"))
        self.principal: Principal | None = None
        self.client_address: str | None = None
        """What limits know the client's address by. None until it is asked for (see `gateway.edge.address`)."""
        self.route = ""
        self.status = 0
        self.repeats = ""
        """The request id of the earlier exchange whose answer this one repeats; empty for an answer of its own."""
        self.extra: Headers = []
        """Response headers beyond the standard ones, for example the rate limit."""
        self.body_unread = False
        """True if the body was refused while it may still be on its way."""

    @property
    def has_body(self) -> bool:
        length = self.headers.get(b"content-length")
        return length != b"0" if length is not None else b"transfer-encoding" in self.headers


def _request_id(inbound: bytes | None) -> str:
    if inbound is not None and _REQUEST_ID.fullmatch(inbound):
        return inbound.decode()
    return f"{getrandbits(128):032x}"


def _traceparent(inbound: bytes | None) -> str:
    """Continues a W3C trace with a span of our own, or starts one. Its identifiers need not be secret."""
    if inbound is not None:
        text = inbound.decode("latin-1")
        if valid_traceparent(text):
            return f"{text[:36]}{getrandbits(64) or 1:016x}{text[52:]}"
    return f"00-{getrandbits(128) or 1:032x}-{getrandbits(64) or 1:016x}-01"
