"""What people do beside `make up`: the client's example, a simulation, a replay."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from console.up.stack import Stack
from tests.support.processes import ROOT

COUNT = 1500


@pytest.fixture(scope="module")
async def home() -> AsyncIterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="rampart-", dir="/tmp"))
    stack = Stack(folder / "home")
    await stack.start()
    yield folder / "home"
    await stack.stop()
    shutil.rmtree(folder)


async def run(*arguments: str) -> tuple[int, str]:
    """Runs Python beside the platform, whose supervisor lives in this event loop."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'gen'}"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(120):
        output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def stored(home: Path, service: str, table: str, prefix: str) -> list[str]:
    dev = json.loads((home / "dev.json").read_text())
    connection = await asyncpg.connect(dev["dsn"][service])
    try:
        rows = await connection.fetch(
            f"SELECT transaction_id FROM {table} WHERE starts_with(transaction_id, $1)", prefix
        )
    finally:
        await connection.close()
    return sorted(row[0] for row in rows)


async def test_the_clients_example_gets_a_decision(home: Path) -> None:
    status, output = await run("clients/python/example.py", str(home / "dev.json"))
    assert status == 0, output
    assert output.split()[0] in ("approve", "review", "decline")


async def test_a_replay_decides_each_payment_once_though_the_fraud_service_is_killed(
    home: Path, tmp_path: Path
) -> None:
    file = tmp_path / "payments.csv"
    status, output = await run("-m", "console", "simulate", "--customers", "200", "--days", "6", "-o", str(file))
    assert status == 0, output
    names = [line.split(",")[0] for line in file.read_text().splitlines()[1 : COUNT + 1]]
    replay = asyncio.create_task(
        run("-m", "console", "replay", str(file), "--home", str(home), "--limit", str(COUNT), "--rate", "400")
    )
    for _ in range(2):
        await asyncio.sleep(1.5)
        assert not replay.done()
        os.kill(json.loads((home / "dev.json").read_text())["pids"]["fraud"], signal.SIGKILL)
    status, output = await replay
    assert status == 0, output
    prefix = names[0].rpartition("-")[0]
    assert await stored(home, "fraud", "decisions", prefix) == sorted(names)
    async with asyncio.timeout(10):
        while await stored(home, "data", "transactions", prefix) != sorted(names):
            await asyncio.sleep(0.2)
