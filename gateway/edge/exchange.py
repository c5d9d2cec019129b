"""One HTTP exchange: the request, the call that it makes, and what its answer and the access log say."""

from __future__ import annotations

import time
from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from gateway.compile.endpoint import Endpoint
from gateway.edge.header_fields import join
from gateway.errors.problem import Headers
from meshkit.context import CallContext, request_id
from meshkit.tracing import w3c

__all__ = ["METHODS", "Exchange", "Label"]

Label = tuple[str, str]
"""Method and route, as metrics and the access log know an exchange."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that metrics and the access log tell apart."""
_REPLAYED = (b"idempotency-replayed", b"true")


class Exchange:
    """A request under way. Header names are lower case; what is given in several lines is joined.

    The opening of a WebSocket is a GET.
    """

    __slots__ = (
        "begun", "body_unread", "call", "captures", "certificate", "client_address", "endpoint", "extra", "headers",
        "label", "method", "path", "query", "receive", "repeated", "repeats", "scope", "send", "started", "status",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.started = time.perf_counter()
        self.scope = scope
        self.receive = receive
        self.send = send
        self.method: str = scope.get("method", "GET")
        self.path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.query: bytes = scope.get("query_string", b"")
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.repeated = b""
        """The name of a header that was given twice and must not be."""
        if len(self.headers) != len(scope["headers"]):
            self.headers, self.repeated = join(scope["headers"])
        self.call = _call(self.headers)
        self.endpoint: Endpoint | None = None
        self.captures: tuple[str, ...] = ()
        self.label: Label = ("", "")
        self.client_address: str | None = None
        """What limits know the client's address by. None until it is asked for (see `gateway.edge.address`)."""
        self.certificate = ""
        """Thumbprint of the client's certificate, empty if it showed none (see `gateway.edge.certificates`)."""
        self.status = 0
        """Of the answer, 0 while nothing is known of it."""
        self.begun = False
        """True once the head of the answer is on its way: an error can no longer be told by a status."""
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

    def bind(self, endpoint: Endpoint, captures: tuple[str, ...] = (), label: Label | None = None) -> None:
        """Notes which endpoint the request has matched."""
        self.endpoint = endpoint
        self.captures = captures
        self.label = label or (endpoint.binding.http_method, endpoint.route)

    def name(self, route: str) -> None:
        """Notes what is served instead of an endpoint. A method may be anything that a client sends."""
        self.label = (self.method if self.method in METHODS else "OTHER", route)

    def creates(self, location: str) -> None:
        """Notes that the answer is about something new, and the path where that is."""
        self.status = 201
        self.extra.append((b"location", location.encode()))

    def replays(self, request_id: str) -> None:
        """Notes that the answer is that of an earlier exchange."""
        self.repeats = request_id
        self.extra.append(_REPLAYED)


def _call(headers: Mapping[bytes, bytes]) -> CallContext:
    """Returns what the request says of itself: its id and trace, or new ones."""
    name, traceparent = request_id(headers.get(b"x-request-id")), headers.get(b"traceparent")
    if traceparent is None:
        return CallContext(name, w3c.started())
    call = CallContext(name)
    call.follow(traceparent.decode("latin-1"), headers.get(b"tracestate", b"").decode("latin-1"))
    return call
