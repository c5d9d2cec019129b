"""A span of a trace and what records it.

Spans are made here rather than by the SDK's tracer, whose spans cost ten times as much (see ADR 0029). Sampler,
resource, queue and exporter are the SDK's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from meshkit.tracing import w3c

__all__ = ["Attributes", "Recorder", "Span", "span_context"]

Attributes = Mapping[str, str | int | bool]

_SCOPE = InstrumentationScope("rampart")
_UNSET = Status()
_ERROR = Status(StatusCode.ERROR)


class Span:
    """One step of a trace that is recorded: it is exported when it ends. What it has begun may outlast it.

    `traceparent` names it to whom it calls, `parent` is that of the span under which it is, empty for the first of a
    trace. `error` is why it failed, as a word of few (`error.type`).
    """

    __slots__ = (
        "_ended", "_links", "_recorder", "_remote", "_started", "attributes", "error", "kind", "name", "parent",
        "traceparent", "tracestate",
    )  # fmt: skip

    def __init__(
        self,
        recorder: Recorder,
        name: str,
        kind: SpanKind,
        traceparent: str,
        *,
        parent: str,
        remote: bool,
        tracestate: str,
        attributes: Attributes,
        started: int | None = None,
    ) -> None:
        self._recorder = recorder
        self._ended = False
        self._remote = remote
        self._links: list[Link] = []
        self._started = time.time_ns() if started is None else started
        self.name = name
        self.kind = kind
        self.traceparent = traceparent
        self.parent = parent
        self.tracestate = tracestate
        self.attributes = dict(attributes)
        self.error = ""

    def child(self, name: str, kind: SpanKind, attributes: Attributes, *, started: int | None = None) -> Span:
        """Begins a step of this one, now or at `started` (nanoseconds of the epoch)."""
        return self._begin(
            name, kind, attributes, self.traceparent, tracestate=self.tracestate, remote=False, started=started
        )

    def beside(self, name: str, kind: SpanKind, attributes: Attributes, parent: str, tracestate: str) -> Span:
        """Begins a step of another process's span, which may be of another trace."""
        return self._begin(name, kind, attributes, parent, tracestate=tracestate, remote=True)

    def link(self, other: Span) -> None:
        """Names a span that belongs to this one without being over it."""
        self._links.append(Link(span_context(other.traceparent, other.tracestate)))

    def end(self) -> None:
        """Exports the span. Ending it again does nothing."""
        if self._ended:
            return
        self._ended = True
        if self.error:
            self.attributes["error.type"] = self.error
        self._recorder.export(
            ReadableSpan(
                self.name,
                span_context(self.traceparent, self.tracestate),
                span_context(self.parent, self.tracestate, remote=self._remote) if self.parent else None,
                self._recorder.resource,
                self.attributes,
                (),
                self._links,
                self.kind,
                status=_ERROR if self.error else _UNSET,
                start_time=self._started,
                end_time=time.time_ns(),
                instrumentation_scope=_SCOPE,
            )
        )

    def _begin(
        self,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        parent: str,
        *,
        tracestate: str,
        remote: bool,
        started: int | None = None,
    ) -> Span:
        return Span(
            self._recorder,
            name,
            kind,
            w3c.continued(parent),
            parent=parent,
            remote=remote,
            tracestate=tracestate,
            attributes=attributes,
            started=started,
        )


class Recorder:
    """Decides by the sampler which traces are recorded, and hands spans to the processor when they end."""

    def __init__(self, sampler: Sampler, resource: Resource, processor: SpanProcessor) -> None:
        self._sampler = sampler
        self._processor = processor
        self.resource = resource

    def begin(
        self, name: str, kind: SpanKind, traceparent: str, *, parent: str, tracestate: str, attributes: Attributes
    ) -> Span | None:
        """Begins what a process does for a caller: the span `traceparent` of it. None if it is not recorded."""
        above = Context()
        if parent:
            above = set_span_in_context(NonRecordingSpan(span_context(parent, tracestate, remote=True)), above)
        verdict = self._sampler.should_sample(above, int(traceparent[3:35], 16), name, kind, attributes)
        if verdict.decision is not Decision.RECORD_AND_SAMPLE:
            return None
        return Span(
            self,
            name,
            kind,
            w3c.sampled(traceparent),
            parent=parent,
            remote=True,
            tracestate=tracestate,
            attributes=attributes,
        )

    def export(self, span: ReadableSpan) -> None:
        """Queues a span for the exporter. Drops it if the queue is full."""
        self._processor.on_end(span)


def span_context(traceparent: str, tracestate: str = "", *, remote: bool = False) -> SpanContext:
    """Returns OpenTelemetry's form of a usable `traceparent`."""
    return SpanContext(
        int(traceparent[3:35], 16),
        int(traceparent[36:52], 16),
        remote,
        TraceFlags(int(traceparent[53:], 16)),
        TraceState.from_header([tracestate]) if tracestate else None,
    )
