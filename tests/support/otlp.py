"""A real OTLP receiver, over gRPC and HTTP, and the traces that it was sent."""

from __future__ import annotations

import gzip
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

__all__ = ["CLIENT", "CONSUMER", "INTERNAL", "SERVER", "Collector", "Received", "collecting", "collecting_http"]

INTERNAL, SERVER, CLIENT, CONSUMER = (
    trace_pb2.Span.SPAN_KIND_INTERNAL,
    trace_pb2.Span.SPAN_KIND_SERVER,
    trace_pb2.Span.SPAN_KIND_CLIENT,
    trace_pb2.Span.SPAN_KIND_CONSUMER,
)
SECONDS = 20.0


@dataclass(frozen=True)
class Received:
    """A span as it was exported, with the name of its service. Identifiers are hexadecimal."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    links: frozenset[tuple[str, str]]
    """Trace and span of each."""
    attributes: dict[str, Any]
    failed: bool
    tracestate: str
    raw: trace_pb2.Span

    @property
    def place(self) -> tuple[str, str]:
        return self.trace, self.id


@dataclass
class Collector:
    """Keeps what it receives. `endpoint` is what `OTEL_EXPORTER_OTLP_ENDPOINT` takes."""

    endpoint: str = ""
    statuses: list[int] = field(default_factory=list)
    """How the next exports over HTTP are answered; 200 after these."""
    headers: list[dict[str, str]] = field(default_factory=list)
    spans: list[Received] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, request: pb.ExportTraceServiceRequest, headers: dict[str, str]) -> None:
        with self._lock:
            self.headers.append(headers)
            for group in request.resource_spans:
                resource = _values(group.resource.attributes)
                self.resources.append(resource)
                service = str(resource["service.name"])
                self.spans += [_received(service, span) for scope in group.scope_spans for span in scope.spans]

    def trace(self, trace: str) -> list[Received]:
        with self._lock:
            return [span for span in self.spans if span.trace == trace]

    def all(self) -> list[Received]:
        with self._lock:
            return list(self.spans)

    def until(self, trace: str, *names: str) -> list[Received]:
        """Waits until spans of these names have come of a trace, a name as often as it is given. Returns all of it."""
        until = time.monotonic() + SECONDS
        while True:
            found = self.trace(trace)
            missing = Counter(names) - Counter(span.name for span in found)
            if not missing:
                return found
            assert time.monotonic() < until, f"no span {sorted(missing)} among {sorted(span.name for span in found)}"
            time.sleep(0.02)


@contextmanager
def collecting() -> Iterator[Collector]:
    """Receives over gRPC while the block runs."""
    collector = Collector()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    register: Any = trace_service_pb2_grpc.add_TraceServiceServicer_to_server
    register(_Service(collector), server)
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()


@contextmanager
def collecting_http() -> Iterator[Collector]:
    """Receives over HTTP while the block runs."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            body = gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body
            status = collector.statuses.pop(0) if collector.statuses else 200
            if status == 200 and self.path == "/v1/traces":
                headers = {name.lower(): value for name, value in self.headers.items()}
                collector.take(pb.ExportTraceServiceRequest.FromString(body), headers)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.endpoint = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield collector
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


class _Service(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def _take(self, request: Any, context: Any) -> Any:
        headers = {str(name): str(value) for name, value in context.invocation_metadata()}
        self._collector.take(request, headers)
        return pb.ExportTraceServiceResponse()

    Export = _take


def _received(service: str, span: trace_pb2.Span) -> Received:
    return Received(
        service=service,
        name=span.name,
        kind=span.kind,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        links=frozenset((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        attributes=_values(span.attributes),
        failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
        tracestate=span.trace_state,
        raw=span,
    )


def _values(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
