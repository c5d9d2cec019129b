"""`rampart gateway` as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
from httpx import AsyncClient

from tests.support.processes import ROOT, environment_of, free_port

__all__ = ["standalone"]

START_SECONDS = 40.0
STOP_SECONDS = 15.0


@contextlib.asynccontextmanager
async def standalone(descriptors: Path, upstream: str, *more: str) -> AsyncIterator[AsyncClient]:
    """Runs the gateway in front of a service while the block runs, and gives a client of it."""
    port = free_port()
    options = ["--descriptors", str(descriptors), "--upstream", upstream, "--listen", f"127.0.0.1:{port}", *more]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "console", "gateway", *options),
        env=environment_of({}),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            await _until_healthy(client, process)
            yield client
    finally:
        assert process.returncode is None, "the gateway ended by itself"
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), STOP_SECONDS) == 0


async def _until_healthy(client: AsyncClient, process: Process) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            assert process.returncode is None, "the gateway did not start"
            with contextlib.suppress(httpx.ConnectError):
                if (await client.get("/health")).status_code == 200:
                    return
            await asyncio.sleep(0.05)
