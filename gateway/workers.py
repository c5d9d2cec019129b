"""Supervises several workers on one port: each a process with its own event loop, the port shared by SO_REUSEPORT."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping

from prometheus_client import multiprocess

from gateway.server.serve import bind
from gateway.settings import GatewaySettings
from meshkit.host import Host
from meshkit.standby import STANDBY, turn

__all__ = ["WORKER", "supervise"]

WORKER = "RAMPART_GATEWAY_WORKER"
"""Set by the supervising process for each worker: its number from 0."""

_log = logging.getLogger(__name__)

RESTART_SECONDS = 0.5
MAX_RESTART_SECONDS = 10.0
SETTLED_SECONDS = 30.0
STOP_MARGIN = 5.0


async def supervise(host: Host, settings: GatewaySettings) -> None:
    """Runs the workers until the process is asked to stop. A worker that dies is named and replaced.

    While the process itself stands by, so do its workers.
    """
    # The port is held, without listening, so that a taken port is one clear sentence before anything starts.
    held = bind(settings.listen, shared=True)
    with held, tempfile.TemporaryDirectory(prefix="rampart-metrics-") as folder:
        environment = {name: value for name, value in os.environ.items() if name != STANDBY}
        environment["PROMETHEUS_MULTIPROC_DIR"] = folder
        word, seconds = asyncio.Event(), settings.mesh.drain_seconds + STOP_MARGIN
        if STANDBY not in os.environ:
            word.set()
        keepers = [asyncio.create_task(_keep(number, environment, word, seconds)) for number in range(settings.workers)]
        try:
            if await turn():
                word.set()
                await host.stopping()
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)


async def _keep(number: int, environment: Mapping[str, str], word: asyncio.Event, stop_seconds: float) -> None:
    delay = RESTART_SECONDS
    while True:
        started = time.monotonic()
        worker = await _start({**environment, WORKER: str(number)}, stands_by=not word.is_set())
        try:
            if worker.stdin is not None:
                await word.wait()
                worker.stdin.write(b"\n")
                worker.stdin.close()
            status = await worker.wait()
        except asyncio.CancelledError:
            await _stop(worker, stop_seconds)
            raise
        multiprocess.mark_process_dead(worker.pid, environment["PROMETHEUS_MULTIPROC_DIR"])  # type: ignore[no-untyped-call]
        _log.error("worker %d ended with status %d and is started again", number, status)
        settled = time.monotonic() - started > SETTLED_SECONDS
        delay = RESTART_SECONDS if settled else min(delay * 2, MAX_RESTART_SECONDS)
        await asyncio.sleep(0 if settled else delay)


async def _start(environment: Mapping[str, str], *, stands_by: bool) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway"),
        env={**environment, STANDBY: "1"} if stands_by else environment,
        stdin=asyncio.subprocess.PIPE if stands_by else asyncio.subprocess.DEVNULL,
        # Not the descriptor that this process reads for its own log.
        stderr=sys.stderr,
    )


async def _stop(worker: asyncio.subprocess.Process, seconds: float) -> None:
    """Ends a worker: SIGTERM, which drains it, and SIGKILL if it does not go."""
    if worker.returncode is None:
        worker.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(seconds):
            await worker.wait()
    except TimeoutError:
        worker.kill()
        await worker.wait()
