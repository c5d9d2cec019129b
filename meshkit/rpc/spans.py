"""Spans of gRPC calls, named and described as OpenTelemetry's conventions for RPC say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import grpc
from opentelemetry.trace import SpanKind

from meshkit.context import FAULTS, CallContext
from meshkit.errors import Kind

if TYPE_CHECKING:
    from meshkit.tracing.span import Attributes, Span

__all__ = ["attributes", "client_span", "end", "joined"]


@lru_cache(maxsize=1024)
def attributes(path: str) -> Attributes:
    """Returns what a span says of a method, by its path."""
    service, _, method = path[1:].partition("/")
    return {"rpc.system": "grpc", "rpc.service": service, "rpc.method": method}


def client_span(path: str, call: CallContext) -> Span | None:
    """Begins an attempt to call a method for `call`. None if that is not recorded."""
    return call.span.child(path[1:], SpanKind.CLIENT, attributes(path)) if call.span is not None else None


def end(span: Span, code: str) -> None:
    """Ends the span of a call with the name of its code. Servers fail by faults of their own, clients by any error."""
    span.attributes["rpc.grpc.status_code"] = grpc.StatusCode[code].value[0]
    if code != "OK" and (span.kind is SpanKind.CLIENT or Kind[code] in FAULTS):
        span.error = code
    span.end()


def joined(name: str, calls: Sequence[CallContext]) -> CallContext:
    """Returns the context in which calls go on together, without the rights of any.

    It is in the trace of the first that is recorded. Its span has links to those of all, and they have links to it.
    """
    recorded = [call.span for call in calls if call.span is not None]
    first = next((call for call in calls if call.span is not None), calls[0])
    batch = CallContext(request_id=first.request_id, traceparent=first.traceparent, tracestate=first.tracestate)
    if first.span is not None:
        batch.span = span = first.span.child(f"batch {name}", SpanKind.INTERNAL, {"rampart.items": len(calls)})
        batch.traceparent = span.traceparent
        for each in recorded:
            span.link(each)
            each.link(span)
    return batch
