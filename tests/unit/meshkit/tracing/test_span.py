"""Spans say what they are steps of, and are exported once, when they end."""

from __future__ import annotations

from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBasedTraceIdRatio
from opentelemetry.trace import SpanKind, StatusCode

from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError
from meshkit.tracing import w3c
from tests.support.spans import Recording

CALLER = f"00-{'a' * 32}-{'b' * 16}-01"


def a_call(traceparent: str, tracestate: str = "") -> CallContext:
    call = CallContext()
    call.follow(traceparent, tracestate)
    return call


def test_the_span_of_a_call_is_under_its_callers_and_its_steps_are_under_it() -> None:
    recording = Recording()
    call = a_call(CALLER, "vendor=1")
    call.record(recording.recorder, "call", SpanKind.SERVER, {"a": 1})
    assert call.span is not None and call.span.traceparent == call.traceparent
    step = call.span.child("step", SpanKind.CLIENT, {})
    step.end()
    call.span.end()
    inner, outer = recording.spans()
    assert inner.context is not None and inner.parent is not None
    assert outer.context is not None and outer.parent is not None
    assert {inner.context.trace_id, outer.context.trace_id} == {int("a" * 32, 16)}
    assert outer.parent.span_id == int("b" * 16, 16) and outer.parent.is_remote
    assert inner.parent.span_id == outer.context.span_id == int(call.span_id, 16) and not inner.parent.is_remote
    assert outer.context.trace_state == inner.context.trace_state == {"vendor": "1"}
    assert (outer.attributes, outer.kind, outer.status.status_code) == ({"a": 1}, SpanKind.SERVER, StatusCode.UNSET)


def test_a_caller_that_does_not_record_is_followed_and_says_so_further_on() -> None:
    recording = Recording()
    call = a_call(w3c.unsampled(CALLER))
    call.record(recording.recorder, "call", SpanKind.SERVER, {})
    assert call.span is None
    assert call.traceparent.endswith("-00") and call.trace_id == "a" * 32


def test_traces_that_start_here_are_recorded_as_the_ratio_says_and_others_as_their_caller_says() -> None:
    recording = Recording(ParentBasedTraceIdRatio(0.0))
    first, later = a_call(""), a_call(CALLER)
    for call in (first, later):
        call.record(recording.recorder, "call", SpanKind.SERVER, {})
    assert first.span is None and first.traceparent.endswith("-00")
    assert later.span is not None and later.traceparent.endswith("-01")


def test_an_operator_may_let_no_caller_decide() -> None:
    call = a_call(CALLER)
    call.record(Recording(ALWAYS_OFF).recorder, "call", SpanKind.SERVER, {})
    assert call.span is None and call.traceparent.endswith("-00")


def test_a_step_of_another_traces_span_lies_in_that_trace() -> None:
    recording = Recording()
    batch = recording.call("batch").span
    assert batch is not None
    item = batch.beside("item", SpanKind.SERVER, {}, CALLER, "")
    batch.link(item)
    item.end()
    batch.end()
    ended, of_batch = recording.spans()
    assert ended.context is not None and ended.parent is not None and of_batch.context is not None
    assert ended.context.trace_id == ended.parent.trace_id == int("a" * 32, 16) != of_batch.context.trace_id
    assert [link.context.span_id for link in of_batch.links] == [ended.context.span_id]


def test_a_span_is_exported_once_and_what_it_began_may_outlast_it() -> None:
    recording = Recording()
    span = recording.call().span
    assert span is not None
    span.end()
    span.end()
    span.child("late", SpanKind.CLIENT, {}).end()
    assert [each.name for each in recording.spans()] == ["call", "late"]


def test_faults_of_the_server_fail_its_span_and_those_of_the_caller_are_only_told() -> None:
    recording = Recording()
    for kind in (Kind.NOT_FOUND, Kind.UNAVAILABLE):
        call = recording.call()
        call.failed(MeshError(kind, f"REASON_{kind.name}", "m"))
        assert call.span is not None
        call.span.end()
    refused, broken = recording.spans()
    assert refused.attributes == {"rampart.reason": "REASON_NOT_FOUND"}
    assert refused.status.status_code is StatusCode.UNSET
    assert broken.attributes == {"rampart.reason": "REASON_UNAVAILABLE", "error.type": "REASON_UNAVAILABLE"}
    assert broken.status.status_code is StatusCode.ERROR
