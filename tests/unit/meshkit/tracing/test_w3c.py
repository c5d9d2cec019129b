"""Trace context is read as W3C says, and what cannot be read starts a trace of its own."""

from __future__ import annotations

import re

import pytest

from meshkit.context import CallContext
from meshkit.tracing import w3c

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
USABLE = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("header", "read"),
    [
        (USABLE, USABLE),
        (f"00-{TRACE}-{SPAN}-00", f"00-{TRACE}-{SPAN}-00"),
        (f"00-{TRACE}-{SPAN}-03", f"00-{TRACE}-{SPAN}-03"),
        (f"00-{TRACE}-{SPAN}-ff", f"00-{TRACE}-{SPAN}-03"),
        (f"01-{TRACE}-{SPAN}-01", USABLE),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-brings", USABLE),
        (f"fe-{TRACE}-{SPAN}-09-", USABLE),
    ],
)
def test_a_usable_header_names_the_callers_span_in_version_00(header: str, read: str) -> None:
    assert w3c.received(header) == read


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-0A",
        f"0A-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"cc-{TRACE}-{SPAN}-01.what-the-future-brings",
        f"cc-{TRACE}-{SPAN}-012",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}0-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00_{TRACE}_{SPAN}_01",
        f"{USABLE}\n",
        f" {USABLE}",
        f"00-{TRACE[:-1]}٣-{SPAN}-01",
        f"{USABLE},{USABLE}",
    ],
)
def test_an_unusable_header_names_no_span(header: str) -> None:
    assert w3c.received(header) == ""


def test_a_call_continues_its_callers_trace_with_a_span_of_its_own() -> None:
    call = CallContext()
    call.follow(USABLE, "a=1,b=2")
    assert (call.parent, call.trace_id, call.tracestate) == (USABLE, TRACE, "a=1,b=2")
    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-01", call.traceparent)
    assert call.span_id != SPAN


def test_a_call_without_a_usable_header_starts_a_trace_and_drops_the_state_of_the_other() -> None:
    call = CallContext()
    call.follow(f"ff-{TRACE}-{SPAN}-01", "a=1")
    assert (call.parent, call.tracestate) == ("", "")
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", call.traceparent)
    assert call.trace_id != TRACE


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ("a=1", "a=1"),
        ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        ("fw529a3039@dt=FfAAAA , \t b=2,,", "fw529a3039@dt=FfAAAA,b=2"),
        ("a=1,a=2", ""),
        ("A=1", ""),
        ("a", ""),
        ("a=1;2,b=", ""),
        ("a=ä", ""),
        (",".join(f"k{n}=1" for n in range(32)), ",".join(f"k{n}=1" for n in range(32))),
        (",".join(f"k{n}=1" for n in range(33)), ""),
        (f"a={'x' * 600},b=2", ""),
    ],
)
def test_members_of_tracestate_are_kept_unless_one_is_malformed(header: str, kept: str) -> None:
    assert w3c.state(header) == kept


def test_of_a_long_tracestate_the_longest_and_then_the_oldest_members_go() -> None:
    long, short = f"long={'x' * 200}", [f"k{n}={'x' * 90}" for n in range(7)]
    assert w3c.state(",".join([short[0], long, *short[1:]])) == ",".join(short[:5])
    assert len(w3c.state(",".join([long, *short]))) <= 512


def test_whether_a_span_is_recorded_is_one_bit_of_its_flags() -> None:
    assert w3c.is_sampled(USABLE) and w3c.is_sampled(w3c.sampled(f"00-{TRACE}-{SPAN}-02"))
    assert not w3c.is_sampled("") and not w3c.is_sampled(f"00-{TRACE}-{SPAN}-02")
    assert w3c.unsampled(f"00-{TRACE}-{SPAN}-03") == f"00-{TRACE}-{SPAN}-02"
