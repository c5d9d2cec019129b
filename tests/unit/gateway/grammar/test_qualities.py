from __future__ import annotations

import pytest

from gateway.errors.render import prefers_status
from gateway.grammar.qualities import quality


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (b"", 1.0),
        (b"  ", 1.0),
        (b"application/json", 1.0),
        (b"Application/JSON; q=0.25", 0.25),
        (b"application/json;charset=utf-8;q=0.5", 0.5),
        (b"text/html, application/*;q=0.8, */*;q=0.1", 0.8),
        (b"*/*;q=0.1", 0.1),
        (b"application/json;q=0, */*", 0.0),
        (b"text/html", 0.0),
        (b"application/*+json;q=0.3", 0.3),
        (b"application/json;q=2", 0.0),
        (b"application/json;q=x", 0.0),
        (b",,;;,", 0.0),
        (b"\xff\xfe", 0.0),
    ],
)
def test_most_specific_range_says_how_welcome_json_is(accept: bytes, expected: float) -> None:
    assert quality(accept, b"application/json") == expected


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (b"", False),
        (b"*/*", False),
        (b"application/*", False),
        (b"application/problem+json", False),
        (b"text/html", False),
        (b"text/event-stream", False),
        (b"application/json, application/problem+json", False),
        (b"application/json, */*", False),
        (b"application/json, text/plain, */*", False),
        (b"application/json, application/*+json", False),
        (b"application/json;q=0.5, application/problem+json;q=0.9", False),
        (b"application/json;q=0", False),
        (b"application/json", False),
        (b"application/json; charset=utf-8", False),
        (b"application/json, */*;q=0.5", False),
        (b"application/json, application/problem+json;q=0.9", True),
        (b"application/json, application/problem+json;q=0", True),
        (b"application/json, application/*+json;q=0.5", True),
        (b"application/json, application/problem+json;q=0, */*", True),
    ],
)
def test_status_is_for_those_who_want_json_more_than_a_problem(accept: bytes, status: bool) -> None:
    assert prefers_status(accept) is status
