"""Every log line is one JSON object, whatever stands in it."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import Any

import pytest

from meshkit.context import CallContext, set_current
from meshkit.telemetry.logs import EventLog, JsonFormatter

HOSTILE = [
    'quotes " and \\ backslashes',
    "line\nfeeds\r\nand\ttabs",
    "\u2028 separators \u2029",
    "ünïcode 🙂 \x00\x1b[31m",
    '", "level": "ERROR',
    "100% %s %(x)s {y}",
    "\ud800 half a pair",
]


def line(message: str, *arguments: object, **extra: Any) -> dict[str, Any]:
    record = logging.getLogger("test").makeRecord(
        "test", logging.INFO, __file__, 1, message, arguments, extra.pop("exc_info", None), extra=extra
    )
    text = JsonFormatter("fraud").format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_record_with_a_hostile_text_is_one_line_that_reads_back(text: str) -> None:
    found = line("said %s", text, fields={"value": text})
    assert (found["message"], found["value"]) == (f"said {text}", text)
    assert (found["level"], found["service"]) == ("INFO", "fraud")


def test_exception_stays_on_its_line() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        found = line("failed", exc_info=sys.exc_info())
    assert "ValueError: first\nsecond" in found["exception"]


def test_field_of_any_type_is_written() -> None:
    assert line("x", fields={"value": {1}})["value"] == "{1}"


async def test_lines_of_a_call_carry_its_request_id_and_trace() -> None:
    set_current(CallContext(request_id="r-1", traceparent=f"00-{'a' * 32}-{'b' * 16}-01"))
    found = line("x")
    assert (found["request_id"], found["trace_id"], found["span_id"]) == ("r-1", "a" * 32, "b" * 16)
    set_current(CallContext())
    assert "request_id" not in line("x")


@pytest.mark.parametrize("text", HOSTILE)
def test_event_with_a_hostile_text_is_one_line_that_reads_back(text: str) -> None:
    stream = io.StringIO()
    log = EventLog("fraud", 'na"me', "said\n%s", ("request_id", "score"), stream)
    log.write(text, 0.25)
    log.flush()
    (found,) = (json.loads(written) for written in stream.getvalue().splitlines())
    assert (found["request_id"], found["score"], found["logger"], found["message"]) == (text, 0.25, 'na"me', "said\n%s")


def test_events_are_written_in_order_when_the_buffer_is_full_and_at_a_flush() -> None:
    stream = io.StringIO()
    log = EventLog("fraud", "x", "y", ("n",), stream, flush_bytes=1_000)
    for number in range(55):
        log.write(number)
    written = len(stream.getvalue().splitlines())
    assert 0 < written < 55
    log.flush()
    log.flush()
    assert [json.loads(text)["n"] for text in stream.getvalue().splitlines()] == list(range(55))


def test_time_is_utc_with_milliseconds() -> None:
    stream = io.StringIO()
    log = EventLog("fraud", "x", "y", (), stream)
    log.write()
    log.flush()
    assert len(json.loads(stream.getvalue())["time"]) == len(line("x")["time"]) == len("2026-11-21T04:10:37.123Z")
