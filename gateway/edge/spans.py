"""Records exchanges as spans, described as OpenTelemetry's conventions for HTTP servers say.

Paths and queries name people, so a span has the route and neither of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind

from gateway.edge.exchange import METHODS, Exchange

if TYPE_CHECKING:
    from meshkit.tracing.span import Recorder

__all__ = ["RequestSpans"]

PROBES = frozenset({b"/health", b"/ready", b"/metrics"})
"""Paths that machines ask every few seconds. Nobody looks for them among traces."""
NO_ROUTES = frozenset({"", "unmatched", "options"})


class RequestSpans:
    """Begins and ends the span of each exchange that its caller records, or the sampler chooses."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def begin(self, exchange: Exchange) -> None:
        if exchange.path in PROBES:
            return
        known = exchange.method in METHODS
        attributes = {
            "http.request.method": exchange.method if known else "_OTHER",
            "url.scheme": exchange.scope.get("scheme", "http"),
            "network.protocol.version": exchange.scope.get("http_version", "1.1"),
            "rampart.request_id": exchange.call.request_id,
        }
        exchange.call.record(self._recorder, exchange.method if known else "HTTP", SpanKind.SERVER, attributes)

    def end(self, exchange: Exchange) -> None:
        span = exchange.call.span
        if span is None:
            return
        route = exchange.label[1]
        if route not in NO_ROUTES:
            span.attributes["http.route"] = route
            span.name = f"{span.name} {route}"
        if exchange.repeats:
            span.attributes["rampart.replayed"] = exchange.repeats
        if exchange.status:
            span.attributes["http.response.status_code"] = exchange.status
        # What the caller did wrong is no error of the server; a stream may fail after its status.
        if 400 <= exchange.status < 500:
            span.error = ""
        elif exchange.status >= 500 and not span.error:
            span.error = str(exchange.status)
        span.end()
