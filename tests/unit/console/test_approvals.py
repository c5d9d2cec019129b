"""Runs `rampart approval` against a real HTTP server."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from console.directory import find_service
from console.failure import CommandFailure
from console.up.certificates import Authority
from meshkit.identity.own import MeshIdentity
from tests.support.task_edge import TaskEdge

Capture = pytest.CaptureFixture[str]
PATH = "/api/v1/approvals"
ONE = "01a1fc5a-3c62-7000-a1f6-6dcddde11fa1"
CALL = (
    '{"method":"rampart.auth.v1.MemberService/InviteMember","request":{"display_name":"A\\u202eda","roles":["owner"]}}'
)
DIGEST = sha256(CALL.encode()).hexdigest()


def approval(**changes: Any) -> dict[str, Any]:
    return {
        "approval_id": ONE, "state": "pending", "method": "rampart.auth.v1.MemberService/InviteMember", "call": CALL,
        "digest": DIGEST, "requester": "member-1", "decider": "", "create_time": "2026-11-30T09:00:00Z",
        "expire_time": "2026-12-01T09:00:00Z",
    } | changes  # fmt: skip


def command(home: Path, *arguments: str) -> int:
    return main(["approval", *arguments, "--home", str(home)])


def test_list_shows_what_waits(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, {"approvals": [approval()], "next_page_token": ""})
    assert command(home, "list", "--state", "pending") == 0
    assert (edge.calls[0].path, edge.calls[0].query["state"]) == (PATH, "pending")
    shown = capsys.readouterr().out
    assert all(words in shown for words in (ONE, "MemberService/InviteMember", "member-1"))


def test_what_is_shown_is_what_is_approved_and_hides_nothing(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, approval())
    assert command(home, "show", ONE) == 0
    shown = capsys.readouterr().out
    assert '"display_name": "A\\u202eda"' in shown and '"owner"' in shown
    assert shown.splitlines()[-1] == f"rampart approval approve {ONE} {DIGEST}"


@pytest.mark.parametrize("changed", [{"call": CALL.replace("owner", "viewer")}, {"method": "M/DeleteMember"}])
def test_call_that_is_not_the_one_of_the_digest_is_not_shown(
    home: Path, edge: TaskEdge, capsys: Capture, changed: dict[str, str]
) -> None:
    edge.answer = lambda call: (200, approval(**changed))
    assert command(home, "show", ONE) == 1
    told = capsys.readouterr()
    assert "approve nothing" in told.err and not told.out


def test_what_was_used_is_shown_without_its_call(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, approval(state="used", call="", decider="member-2"))
    assert command(home, "show", ONE) == 0
    assert "approval approve" not in capsys.readouterr().out


def test_approval_says_what_was_read(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, approval(state="approved", decider="member-2"))
    assert command(home, "approve", ONE, DIGEST) == 0
    (call,) = edge.calls
    assert (call.method, call.path, call.body) == ("POST", f"{PATH}/{ONE}:approve", {"digest": DIGEST})
    assert "member-1 runs the same command again" in capsys.readouterr().out


def test_rejection_is_sent(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, approval(state="withdrawn"))
    assert command(home, "reject", ONE) == 0
    assert edge.calls[0].path == f"{PATH}/{ONE}:reject"
    assert capsys.readouterr().out == f"withdrawn {ONE}\n"


@pytest.mark.parametrize(
    ("option", "sent"), [("--role-changes", {"role_changes": True}), ("--no-role-changes", {"role_changes": False})]
)
def test_policy_is_set_and_shown(home: Path, edge: TaskEdge, capsys: Capture, option: str, sent: Any) -> None:
    edge.answer = lambda call: (200, call.body or {"role_changes": True})
    assert command(home, "policy", option) == 0
    assert command(home, "policy") == 0
    assert [(call.method, call.body) for call in edge.calls] == [("PUT", sent), ("GET", None)]
    assert "two people" in capsys.readouterr().out


def test_command_that_needs_somebody_else_says_what_to_do(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    metadata = {"approval_id": ONE, "digest": DIGEST}
    problem = {"detail": "somebody else must approve it", "reason": "APPROVAL_REQUIRED", "metadata": metadata}
    edge.answer = lambda call: (409, problem)
    assert main(["user", "role", "member-3", "owner", "--home", str(home)]) == 1
    said = capsys.readouterr().err
    assert "(APPROVAL_REQUIRED)" in said
    assert f"`rampart approval show {ONE}`" in said and "run the same command again" in said


def test_operator_gets_an_identity_that_commands_use(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "tls").mkdir()
    Authority(tmp_path / "tls", "rampart.test").ensure({"operator": "operator"})
    (tmp_path / "dev.json").write_text(json.dumps({"grpc": {"auth": "127.0.0.1:7001"}}))
    assert main(["operator", "add", "alice", "--home", str(tmp_path)]) == 0
    assert "operator/alice" in capsys.readouterr().out
    _, files = find_service("auth", tmp_path, {"RAMPART_OPERATOR": "alice"})
    assert MeshIdentity(files, "rampart.test").svid.path == "operator/alice"
    _, files = find_service("auth", tmp_path, {})
    assert MeshIdentity(files, "rampart.test").svid.path == "operator"
    with pytest.raises(CommandFailure, match="rampart operator add bob"):
        find_service("auth", tmp_path, {"RAMPART_OPERATOR": "bob"})


def test_operator_of_kubernetes_gets_a_manifest(capsys: Capture) -> None:
    assert main(["operator", "add", "alice", "--kubernetes"]) == 0
    assert 'uris: ["spiffe://rampart.local/operator/alice"]' in capsys.readouterr().out
    assert main(["operator", "add", "Alice", "--kubernetes"]) == 2
