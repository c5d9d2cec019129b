"""Spans by OpenTelemetry's own interceptors, on channels whose calls are rare and have one answer.

They cost a call some 250 µs, sampled or not, and lose the span of a call that is cancelled (see ADR 0029).
"""

from __future__ import annotations

from typing import Any

import grpc
from opentelemetry import context as otel
from opentelemetry.instrumentation.grpc import aio_client_interceptors
from opentelemetry.trace import NonRecordingSpan, set_span_in_context

from meshkit.context import current
from meshkit.tracing import setup
from meshkit.tracing.span import span_context

__all__ = ["interceptors"]


def interceptors() -> list[grpc.aio.ClientInterceptor]:
    """Returns interceptors that make a span of each unary call for a call that is recorded."""
    made: list[Any] = aio_client_interceptors(  # type: ignore[no-untyped-call]
        tracer_provider=setup.provider(), filter_=_recorded
    )
    return [_UnderCurrent(), *(each for each in made if isinstance(each, grpc.aio.UnaryUnaryClientInterceptor))]


def _recorded(_: object) -> bool:
    return current().span is not None


class _UnderCurrent(grpc.aio.UnaryUnaryClientInterceptor):
    """Shows the span of the running call to the interceptors after this one, which look for it elsewhere."""

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        span = current().span
        if span is None:
            return await continuation(client_call_details, request)
        above = NonRecordingSpan(span_context(span.traceparent, span.tracestate))
        token = otel.attach(set_span_in_context(above))
        try:
            return await continuation(client_call_details, request)
        finally:
            otel.detach(token)
