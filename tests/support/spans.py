"""Records spans in this process, for tests of what makes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import SpanKind

from meshkit.context import CallContext
from meshkit.tracing import setup, w3c
from meshkit.tracing.span import Recorder

__all__ = ["Recording", "recording"]


class Recording:
    """A recorder and what it has recorded."""

    def __init__(self, sampler: Sampler = ParentBased(ALWAYS_ON), processor: SpanProcessor | None = None) -> None:
        self._memory = InMemorySpanExporter()
        self.processor = processor or SimpleSpanProcessor(self._memory)
        self.recorder = Recorder(sampler, Resource({"service.name": "test"}), self.processor)

    def spans(self) -> list[ReadableSpan]:
        """Returns spans in the order in which they ended."""
        return list(self._memory.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans() if span.name == name]

    def call(self, name: str = "call") -> CallContext:
        """Returns a call that is recorded, in a trace of its own."""
        call = CallContext(request_id=f"request-of-{name}", traceparent=w3c.started())
        call.record(self.recorder, name, SpanKind.SERVER, {})
        return call


@contextmanager
def recording(sampler: Sampler = ParentBased(ALWAYS_ON), processor: SpanProcessor | None = None) -> Iterator[Recording]:
    """Turns tracing on while the block runs, for what is built in it. Spans are kept unless a processor takes them."""
    made = Recording(sampler, processor)
    provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
    provider.add_span_processor(made.processor)
    before, setup._installed = setup._installed, (provider, made.recorder)
    try:
        yield made
    finally:
        setup._installed = before
