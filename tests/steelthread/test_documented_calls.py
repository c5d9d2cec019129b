"""What the documentation has its reader run beside `make up`: calls with curl, and the example of the Python client."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.steelthread.platform import Platform
from tests.support.client_page import BLOCK, SECTIONS, reader_environment, run
from tests.support.processes import ROOT, environment_of

EXAMPLE_SECONDS = 120.0


async def test_connect_decides_by_its_grpc_name(platform: Platform, tmp_path: Path) -> None:
    ((_, script),) = BLOCK.findall(SECTIONS["Connect and gRPC-Web"])
    decision = json.loads(run(script, tmp_path, reader_environment(platform.home)))["decision"]
    stored = await platform.edge().get(f"/api/v1/decisions/{decision['decisionId']}")
    assert (stored["outcome"], stored["user_id"]) == (decision["outcome"], "ada")


async def test_the_clients_example_gets_a_decision(platform: Platform) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "clients/python/example.py", str(platform.home / "dev.json"),
        cwd=ROOT,
        env=environment_of({}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(EXAMPLE_SECONDS):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert output.decode().split()[0] in ("approve", "review", "decline")
