from __future__ import annotations

import json

import pytest

from gateway.edge.streams.framing import EVENTS, FRAMINGS, choose
from meshkit.errors import MeshError

OK = {"code": 0, "message": "", "details": []}
MESSAGES = [(b'{"a":1}', "p1"), (b"[2]", ""), (b'"x"', "p3")]


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (b"", b"application/json"),
        (b"*/*", b"application/json"),
        (b"application/*", b"application/json"),
        (b"application/x-ndjson", b"application/x-ndjson"),
        (b"application/jsonl", b"application/jsonl"),
        (b"text/event-stream", b"text/event-stream"),
        (b"text/*", b"text/event-stream"),
        (b"application/json;q=0.5, text/event-stream", b"text/event-stream"),
        (b"application/json;q=0.5, text/event-stream;q=0.4", b"application/json"),
        (b"application/json, application/x-ndjson", b"application/json"),
        (b"application/json;q=0, */*", b"application/x-ndjson"),
        (b"text/html, application/xhtml+xml, */*;q=0.8", b"application/json"),
        (b"TEXT/Event-Stream", b"text/event-stream"),
    ],
)
def test_the_most_welcome_framing_is_chosen_and_ours_first_among_equals(accept: bytes, chosen: bytes) -> None:
    assert choose(accept).media_type == chosen


@pytest.mark.parametrize(
    "accept", [b"text/html", b"application/problem+json", b"*/*;q=0", b"application/json;q=0", b"nonsense"]
)
def test_what_nothing_satisfies_is_refused_with_what_there_is(accept: bytes) -> None:
    with pytest.raises(MeshError, match="text/event-stream") as caught:
        choose(accept)
    assert caught.value.reason == "NOT_ACCEPTABLE"


@pytest.mark.parametrize("keep_alives", [0, 3])
def test_every_json_framing_is_valid_json_with_one_status_at_its_end(keep_alives: int) -> None:
    wanted = [{"result": {"a": 1}}, {"result": [2]}, {"result": "x"}, {"status": OK}]
    for framing in FRAMINGS:
        if framing is EVENTS:
            continue
        idle = framing.idle * keep_alives
        body = framing.opening + idle + framing.messages(MESSAGES[:2]) + idle + framing.messages(MESSAGES[2:]) + idle
        body += framing.status(OK)
        found = json.loads(body) if framing.opening else [json.loads(line) for line in body.splitlines()]
        assert found == wanted
        assert body.endswith(b"\n")


def test_an_array_without_messages_holds_the_status_alone() -> None:
    array = FRAMINGS[0]
    assert json.loads(array.opening + array.status(OK)) == [{"status": OK}]


def test_a_body_that_was_cut_off_anywhere_lacks_the_status() -> None:
    for framing in FRAMINGS:
        whole = framing.opening + framing.messages(MESSAGES) + framing.status(OK)
        last = whole.rindex(b"status")
        assert all(b"status" not in whole[:end] for end in range(last + len(b"status") - 1))


def test_events_have_places_as_ids_where_there_are_any() -> None:
    assert EVENTS.messages(MESSAGES[:2]) == b'id: p1\ndata: {"a":1}\n\ndata: [2]\n\n'
    assert EVENTS.status(OK).startswith(b"event: status\ndata: {")
    assert EVENTS.idle.startswith(b":")


@pytest.mark.parametrize("place", ["a\nb", "a\rb", "a\0b", "x\n\ndata: forged"])
def test_a_place_that_would_break_an_event_is_left_out(place: str) -> None:
    assert EVENTS.messages([(b"{}", place)]) == b"data: {}\n\n"
