"""Runs `rampart identity-provider` against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge

Capture = pytest.CaptureFixture[str]
PATH = "/api/v1/identity-provider"
ISSUER = "https://login.example.com/realms/staff"
PROVIDER: dict[str, Any] = {
    "issuer": ISSUER, "client_id": "rampart", "redirect_uri": "https://rampart.example.com/sign-in/callback/acme",
}  # fmt: skip


def command(home: Path, *arguments: str) -> int:
    return main(["identity-provider", *arguments, "--home", str(home)])


def test_provider_is_set_with_the_secret_of_a_file(home: Path, edge: TaskEdge, tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "secret"
    file.write_text("kept\n")
    edge.answer = lambda call: (200, PROVIDER)
    given = [ISSUER, "rampart", "--secret-from", str(file)]
    more = ["--name", "Staff", "--domain", "example.com", "--role", "viewer", "--trust-second-factor", "--required"]
    assert command(home, "set", *given, *more) == 0
    (call,) = edge.calls
    assert (call.method, call.path) == ("PUT", PATH)
    assert call.body == {
        "issuer": ISSUER, "client_id": "rampart", "client_secret": "kept", "display_name": "Staff",
        "token_endpoint_auth_method": "client_secret_basic", "domains": ["example.com"], "roles": ["viewer"],
        "email_trusted": False, "second_factor_trusted": True, "required": True,
    }  # fmt: skip
    assert "https://rampart.example.com/sign-in/callback/acme" in capsys.readouterr().out


def test_set_without_a_secret_keeps_the_one_there_is(home: Path, edge: TaskEdge) -> None:
    edge.answer = lambda call: (200, PROVIDER)
    assert command(home, "set", ISSUER, "rampart") == 0
    assert (edge.calls[0].body or {})["client_secret"] == ""


@pytest.mark.parametrize("text", ["", " \n", None])
def test_file_without_a_secret_is_said(
    home: Path, edge: TaskEdge, tmp_path: Path, capsys: Capture, text: str | None
) -> None:
    file = tmp_path / "secret"
    if text is not None:
        file.write_text(text)
    given = [ISSUER, "rampart", "--secret-from", str(file)]
    assert command(home, "set", *given) == 1
    assert str(file) in capsys.readouterr().err
    assert edge.calls == []


def test_provider_is_shown_and_removed(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, PROVIDER if call.method == "GET" else {})
    assert command(home, "show", "--json") == 0
    assert json.loads(capsys.readouterr().out) == PROVIDER
    assert command(home, "remove") == 0
    assert "removed" in capsys.readouterr().out
    assert [(call.method, call.path) for call in edge.calls] == [("GET", PATH), ("DELETE", PATH)]
