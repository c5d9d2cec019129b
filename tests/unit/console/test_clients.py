"""Runs `rampart client` and `rampart key` against a real HTTP server."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge, problem

Capture = pytest.CaptureFixture[str]
PATH = "/api/v1/clients"
KEYS = "/api/v1/api-keys"
SECRET = "rcs_" + "s" * 43


def client(**changes: Any) -> dict[str, Any]:
    """A client as the API shows it."""
    return {
        "client_id": "client-a", "display_name": "Checkout", "scopes": ["user:read"], "rate_limit": 100,
        "create_time": "2026-01-01T00:00:00Z", "etag": '"1"',
    } | changes  # fmt: skip


def api_key() -> dict[str, Any]:
    return {
        "key_id": "key-a", "display_name": "Export", "scopes": ["user:read"], "rate_limit": 10, "prefix": "rpk_abcd",
        "create_time": "2026-01-01T00:00:00Z", "expire_time": "2026-04-01T00:00:00Z",
    }  # fmt: skip


def command(home: Path, *arguments: str) -> int:
    return main([*arguments, "--home", str(home)])


def test_create_sends_what_was_said_and_shows_the_secret_once(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"client": client(), "client_secret": SECRET})
    options = ["--name", "Checkout", "--scope", "user:read", "--grant-type", "device_code", "--rate-limit", "7"]
    assert command(home, "client", "create", *options) == 0
    (call,) = edge.calls
    assert (call.method, call.path) == ("POST", PATH)
    assert call.body == {
        "display_name": "Checkout", "scopes": ["user:read"], "rate_limit": 7,
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"],
    }  # fmt: skip
    assert capsys.readouterr().out.splitlines().count(SECRET) == 1


def test_secret_goes_into_a_file_that_nobody_else_may_read(
    home: Path, edge: TaskEdge, capsys: Capture, tmp_path: Path
) -> None:
    edge.answer = lambda call: (200, {"client": client(), "client_secret": SECRET})
    file = tmp_path / "secret"
    assert command(home, "client", "rotate", "client-a", "--grace", "15m", "--secret-file", str(file), "--json") == 0
    (call,) = edge.calls
    assert (call.path, call.body) == (f"{PATH}/client-a:rotate-secret", {"grace": "900s"})
    assert file.read_text() == f"{SECRET}\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    shown = capsys.readouterr().out
    assert SECRET not in shown
    assert json.loads(shown)["secret_file"] == str(file)
    # What is there already is not overwritten, and the secret is not replaced in vain.
    assert command(home, "client", "rotate", "client-a", "--secret-file", str(file)) == 1
    assert len(edge.calls) == 1


def test_file_for_a_secret_is_gone_if_there_is_none(home: Path, edge: TaskEdge, tmp_path: Path) -> None:
    edge.answer = lambda call: problem(403, "SCOPE_NOT_HELD", "the caller lacks pii:read")
    file = tmp_path / "secret"
    assert command(home, "client", "create", "--secret-file", str(file)) == 1
    assert not file.exists()


@pytest.mark.parametrize(
    ("action", "path", "body"),
    [
        ("revoke-secret", ":revoke-secret", {"previous_only": False}),
        ("disable", ":disable", {}),
        ("enable", ":enable", {}),
    ],
)
def test_state_of_a_client_is_changed_by_one_command(
    home: Path, edge: TaskEdge, action: str, path: str, body: dict[str, Any]
) -> None:
    edge.answer = lambda call: (200, client())
    assert command(home, "client", action, "client-a") == 0
    (call,) = edge.calls
    assert (call.method, call.path, call.body) == ("POST", f"{PATH}/client-a{path}", body)


def test_update_changes_what_is_named_and_nothing_else(
    home: Path, edge: TaskEdge, capsys: Capture, tmp_path: Path
) -> None:
    edge.answer = lambda call: (200, client())
    keys = tmp_path / "jwks.json"
    keys.write_text('{"keys": [{"kty": "EC"}]}')
    assert command(home, "client", "update", "client-a", "--auth", "private_key_jwt", "--jwks", str(keys)) == 0
    (call,) = edge.calls
    assert (call.method, call.path) == ("PATCH", f"{PATH}/client-a")
    assert call.body == {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "EC"}]}}
    assert command(home, "client", "update", "client-a") == 2
    assert "There is nothing to change" in capsys.readouterr().err


def test_lists_show_state_and_last_use(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    disabled = client(disable_time="2026-01-02T00:00:00Z")
    edge.answer = lambda call: (200, {"clients": [client(), disabled], "api_keys": [api_key()], "next_page_token": ""})
    assert command(home, "client", "list") == command(home, "key", "list") == 0
    shown = capsys.readouterr().out
    assert all(words in shown for words in ("client-a", "enabled", "disabled", "rpk_abcd", "Export"))


def test_key_is_created_for_a_time_and_revoked(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"api_key": api_key(), "secret": "rpk_x"} if call.method == "POST" else {})
    assert command(home, "key", "create", "--name", "Export", "--expires", "30d") == 0
    assert command(home, "key", "rotate", "key-a") == 0
    assert command(home, "key", "revoke", "key-a") == 0
    create, rotate, revoke = edge.calls
    assert create.body is not None
    assert set(create.body) == {"display_name", "expire_time"}
    assert (rotate.path, rotate.body) == (f"{KEYS}/key-a:rotate", {})
    assert (revoke.method, revoke.path) == ("DELETE", f"{KEYS}/key-a")
    assert capsys.readouterr().out.splitlines().count("rpk_x") == 2
