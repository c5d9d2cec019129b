"""Runs `rampart user` against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge

Capture = pytest.CaptureFixture[str]
PATH = "/api/v1/members"
ADA = "01a1fc5a-3c62-7000-a1f6-6dcddde11fa1"
LINK = {"path": "/link/rln_secret", "expire_time": "2026-10-08T09:00:00Z"}


def person(**changes: Any) -> dict[str, Any]:
    return {
        "member_id": ADA, "email": "ada@example.com", "display_name": "Ada", "roles": ["analyst"], "state": "active",
        "create_time": "2026-10-01T09:00:00Z", "update_time": "2026-10-01T09:00:00Z", "etag": '"1"',
    } | changes  # fmt: skip


def command(home: Path, *arguments: str) -> int:
    return main(["user", *arguments, "--home", str(home)])


def test_invitation_prints_the_link_whole(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"member": person(), "link": LINK})
    assert command(home, "invite", "ada@example.com", "--name", "Ada", "--role", "analyst", "--role", "viewer") == 0
    (call,) = edge.calls
    assert (call.method, call.path) == ("POST", PATH)
    assert call.body == {"email": "ada@example.com", "display_name": "Ada", "roles": ["analyst", "viewer"]}
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1].startswith("http") and shown[-1].endswith("/link/rln_secret")


def test_invitation_is_not_sent_twice(home: Path, edge: TaskEdge) -> None:
    edge.answer = lambda call: (503, {"title": "later"})
    assert command(home, "invite", "ada@example.com", "--role", "viewer") == 1
    assert len(edge.calls) == 1


def test_link_that_was_sent_is_not_shown(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"member": person()})
    assert command(home, "invite", "ada@example.com", "--role", "viewer") == 0
    assert "was sent" in capsys.readouterr().out


def test_list_shows_who_is_there(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"members": [person()], "next_page_token": ""})
    assert command(home, "list", "--state", "active") == 0
    assert edge.calls[0].query["state"] == "active"
    shown = capsys.readouterr().out
    assert all(words in shown for words in (ADA, "ada@example.com", "analyst"))


@pytest.mark.parametrize(
    ("arguments", "method", "path", "body"),
    [
        (["show"], "GET", f"{PATH}/{ADA}", None),
        (["role", "admin", "viewer"], "PATCH", f"{PATH}/{ADA}", {"roles": ["admin", "viewer"]}),
        (["disable"], "POST", f"{PATH}/{ADA}:disable", {}),
        (["enable"], "POST", f"{PATH}/{ADA}:enable", {}),
        (["sign-out"], "POST", f"{PATH}/{ADA}:end-sessions", {}),
        (["unlink"], "POST", f"{PATH}/{ADA}:unlink", {}),
        (["delete"], "DELETE", f"{PATH}/{ADA}", None),
    ],
)
def test_person_is_named_by_address_or_identifier(
    home: Path, edge: TaskEdge, arguments: list[str], method: str, path: str, body: Any
) -> None:
    edge.answer = lambda call: (
        (200, {"members": [person()], "next_page_token": ""}) if call.path == PATH else (200, person())
    )
    for name in (ADA, "ADA@example.com"):
        assert command(home, arguments[0], name, *arguments[1:]) == 0
        call = edge.calls[-1]
        assert (call.method, call.path, call.body) == (method, path, body)
    assert not any("@" in call.path for call in edge.calls)


def test_nobody_has_the_address(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"members": [], "next_page_token": ""})
    assert command(home, "show", "eve@example.com") == 1
    assert "nobody with the address" in capsys.readouterr().err


def test_reset_prints_the_link_for_scripts(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"link": LINK})
    assert command(home, "reset", ADA, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["link"] == LINK and told["address"].endswith(LINK["path"])
