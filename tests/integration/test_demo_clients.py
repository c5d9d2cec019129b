"""The clients for development, made at a real auth service."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from console.up.demo import FILE, PLANS, ensure_clients
from console.up.state import State
from meshkit.identity.scopes import Scopes
from tests.support.certificates import Certificates
from tests.support.processes import Node
from tests.support.servers import Database

NOWHERE = "http://127.0.0.1:9"
"""Whoever asks the edge whether a client works gets no answer."""
KEPT = {name: {"tenant": plan.tenant, "client_id": "old", "client_secret": "old"} for name, plan in PLANS.items()}


@pytest.mark.parametrize("kept", [{}, KEPT, {**KEPT, "scopes": ["user:read"]}], ids=["none", "unnamed", "other scopes"])
async def test_clients_with_other_scopes_than_the_methods_ask_for_are_made_anew(
    kept: dict[str, object],
    auth: Node,
    databases: dict[str, Database],
    certificates: Certificates,
    tmp_path: Path,
) -> None:
    state = State.open(tmp_path / "home")
    if kept:
        state.write_json(FILE, kept)
    scopes = sorted(Scopes.declared_by_methods().declared)
    operator = certificates.identity("operator")
    made = await ensure_clients(state, NOWHERE, auth.address, operator)
    assert made.keys() == PLANS.keys()
    connection = await asyncpg.connect(databases["auth"].reader_dsn, timeout=10)
    try:
        stored = await connection.fetchval(
            "SELECT scopes FROM clients WHERE client_id = $1", made["client"]["client_id"]
        )
    finally:
        await connection.close(timeout=5)
    assert stored == scopes
    assert state.read_json(FILE) == {**made, "scopes": scopes}
