"""As whom commands act: the person who has signed in, or the operator in a tenant."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from console.__main__ import main
from console.signing_in.login_file import Login, LoginFile
from console.tenant_access import OperatorTokens
from tests.support.task_edge import TaskEdge

Capture = pytest.CaptureFixture[str]


def test_whoami_names_the_tenant(
    edge: TaskEdge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("RAMPART_CONFIG_HOME", str(tmp_path))
    LoginFile(tmp_path).write(Login(edge.base_url, edge.base_url, edge.base_url, "token-0", time.time() + 100, "rrt-1"))
    account = {"email": "ada@example.com", "display_name": "Ada", "tenant": "acme", "tenant_id": "01a1", "roles": []}
    edge.answer = lambda call: (200, account)
    assert main(["whoami"]) == 0
    assert "\ntenant: acme (01a1)\n" in capsys.readouterr().out


def test_operator_reads_the_audit_log_of_a_tenant(
    home: Path, edge: TaskEdge, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    asked: list[str] = []

    async def token(tokens: OperatorTokens) -> str:
        asked.append(vars(tokens)["_tenant"])
        return "token-0"

    monkeypatch.setattr(OperatorTokens, "token", token)
    edge.answer = lambda call: (200, {"tenant_id": "01a1", "sequence": "3", "hash": "ab"})
    assert main(["audit", "anchor", "--tenant", "acme", "--home", str(home)]) == 0
    assert (asked, capsys.readouterr().out) == (["acme"], "3:ab\n")
