"""Runs the command against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge, problem

Capture = pytest.CaptureFixture[str]
PATH = "/api/v1/event-types"
USER = {"name": "user_id", "type": "string", "required": True, "personal": True, "key": True}
AMOUNT = {"name": "amount", "type": "money", "required": False, "personal": False, "key": False}


def event_type(**changes: Any) -> dict[str, Any]:
    """An event type as the API shows it."""
    fields = [{**each, "retired": False, "description": "words"} for each in (USER, AMOUNT)]
    return {
        "name": "transfer", "description": "Between accounts", "fields": fields, "version": 1, "built_in": False,
        "create_time": "2026-01-01T00:00:00Z", "update_time": "2026-01-01T00:00:00Z", "etag": '"1"',
    } | changes  # fmt: skip


@pytest.fixture
def edge(edge: TaskEdge) -> TaskEdge:
    edge.answer = lambda call: (200, event_type())
    return edge


def command(home: Path, *arguments: str) -> int:
    return main(["event-type", *arguments, "--home", str(home)])


def test_create_sends_what_was_said_under_a_name(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    options = ("--description", "Between accounts", "--field", "user_id:string:key,required,personal")
    assert command(home, "create", "transfer", *options, "--field", "amount:money") == 0
    (call,) = edge.calls
    assert (call.method, call.path, set(call.query)) == ("POST", PATH, {"request_id"})
    assert call.body == {"name": "transfer", "description": "Between accounts", "fields": [USER, AMOUNT]}
    shown = capsys.readouterr().out
    for words in ("transfer, version 1: Between accounts", "user_id", "money"):
        assert words in shown


def test_list_shows_keys_and_the_built_in_types(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    built_in = event_type(name="payment", built_in=True, create_time=None, update_time=None)
    edge.answer = lambda call: (200, {"event_types": [built_in, event_type()], "next_page_token": ""})
    assert command(home, "list") == 0
    shown = capsys.readouterr().out
    for words in ("payment", "built in", "transfer", "user_id", "2026-01-0"):
        assert words in shown
    assert command(home, "list", "--json") == 0
    assert [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()] == ["payment", "transfer"]


def test_show_calls_its_address_and_prints_json(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    assert command(home, "show", "transfer", "--json") == 0
    assert [(call.method, call.path) for call in edge.calls] == [("GET", f"{PATH}/transfer")]
    assert json.loads(capsys.readouterr().out) == event_type()


def test_update_changes_the_state_that_was_read(home: Path, edge: TaskEdge) -> None:
    options = ("--field", "amount:money:required", "--field", "at:time", "--retire", "user_id")
    assert command(home, "update", "transfer", *options) == 0
    read, change = edge.calls
    assert (read.method, change.method, change.path) == ("GET", "PATCH", f"{PATH}/transfer")
    assert change.body == {
        "etag": '"1"',
        "fields": [
            {**USER, "required": False, "retired": True, "description": "words"},
            {**AMOUNT, "required": True, "retired": False, "description": "words"},
            {"name": "at", "type": "time", "required": False, "personal": False, "key": False},
        ],
    }


def test_update_of_words_says_nothing_of_fields(home: Path, edge: TaskEdge) -> None:
    assert command(home, "update", "transfer", "--description", "") == 0
    assert edge.calls[1].body == {"etag": '"1"', "description": ""}


def test_restored_field_comes_back(home: Path, edge: TaskEdge) -> None:
    retired = [{**each, "retired": True} for each in event_type()["fields"]]
    edge.answer = lambda call: (200, event_type(fields=retired))
    assert command(home, "update", "transfer", "--restore", "amount") == 0
    body = edge.calls[1].body
    assert body is not None
    assert [each["retired"] for each in body["fields"]] == [True, False]


def test_field_that_is_not_there_is_not_retired(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    assert command(home, "update", "transfer", "--retire", "nothing") == 2
    assert len(edge.calls) == 1
    assert capsys.readouterr().err == "rampart: transfer has no field 'nothing'.\n"


@pytest.mark.parametrize("text", ["amount", "amount:cash", ":money", "amount:money:unique", "amount:money:key,"])
def test_field_is_refused_with_what_it_must_be(home: Path, edge: TaskEdge, text: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        command(home, "create", "transfer", "--field", text)
    assert f"must be such as amount:money:required, not {text!r}" in capsys.readouterr().err
    assert not edge.calls


def test_refusal_is_one_sentence(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: problem(404, "RESOURCE_NOT_FOUND", "there is no such event type")
    assert command(home, "show", "../tasks?x=1") == 1
    assert edge.calls[0].path == f"{PATH}/..%2Ftasks%3Fx%3D1"
    assert capsys.readouterr().err == "rampart: there is no such event type (RESOURCE_NOT_FOUND).\n"
