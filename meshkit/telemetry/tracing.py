"""Makes OpenTelemetry spans of gRPC calls, exported by OTLP when an endpoint is set.

Without `OTEL_EXPORTER_OTLP_ENDPOINT` nothing is installed: W3C context still travels (see `meshkit.context`), and spans
cost nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import grpc
from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, TraceFlags

__all__ = ["batch_span", "client_interceptors", "configure", "enabled", "server_interceptors"]


def enabled() -> bool:
    return bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))


def configure(service: str) -> None:
    """Installs a tracer provider with a bounded batch exporter, if an endpoint is set."""
    if not enabled():
        return
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": f"rampart-{service}"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def server_interceptors() -> list[grpc.aio.ServerInterceptor]:
    if not enabled():
        return []
    from opentelemetry.instrumentation.grpc import aio_server_interceptor

    return [aio_server_interceptor()]  # type: ignore[no-untyped-call]


def client_interceptors() -> Sequence[grpc.aio.ClientInterceptor] | None:
    if not enabled():
        return None
    from opentelemetry.instrumentation.grpc import aio_client_interceptors

    return list(aio_client_interceptors())  # type: ignore[no-untyped-call]


@contextmanager
def batch_span(name: str, traceparents: Iterable[str]) -> Iterator[None]:
    """Opens a span for calls that travel together, linked to the trace of each."""
    if not enabled():
        yield
        return
    links = [Link(context) for context in map(_span_context, traceparents) if context is not None]
    with trace.get_tracer("rampart").start_as_current_span(name, links=links):
        yield


def _span_context(traceparent: str) -> SpanContext | None:
    if len(traceparent) != 55:
        return None
    return SpanContext(
        int(traceparent[3:35], 16), int(traceparent[36:52], 16), True, TraceFlags(int(traceparent[53:], 16))
    )
