"""The calls of docs/clients.md that need nothing but curl, as they stand."""

from __future__ import annotations

import json
from pathlib import Path

from tests.steelthread.platform import Platform
from tests.support.client_page import BLOCK, SECTIONS, reader_environment, run


async def test_connect_decides_by_its_grpc_name(platform: Platform, tmp_path: Path) -> None:
    ((_, script),) = BLOCK.findall(SECTIONS["Connect and gRPC-Web"])
    decision = json.loads(run(script, tmp_path, reader_environment(platform.home)))["decision"]
    stored = await platform.edge().get(f"/api/v1/decisions/{decision['decisionId']}")
    assert (stored["outcome"], stored["user_id"]) == (decision["outcome"], "ada")
