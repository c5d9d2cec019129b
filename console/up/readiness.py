"""Waits until every process says that it is ready."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from console.failure import CommandFailure
from console.up.health import missing
from console.up.processes import Process, cannot_start
from console.up.reporter import Reporter

POLL_SECONDS = 0.05


async def wait_ready(
    processes: Mapping[str, Process], admin: Mapping[str, str], *, timeout: float, report: Reporter
) -> None:
    """Waits for /ready of each process. Raises Failure naming what is missing where."""
    waiting = dict.fromkeys(processes, "it does not answer")
    until = time.monotonic() + timeout
    while waiting:
        report.doing(f"waiting for {', '.join(waiting)}")
        for name, lack in zip(waiting, await asyncio.gather(*[missing(admin[name]) for name in waiting]), strict=True):
            waiting[name] = lack
        waiting = {name: lack for name, lack in waiting.items() if lack}
        for name in waiting:
            if processes[name].cannot_start:
                raise cannot_start(name, processes[name].log)
        if waiting and time.monotonic() > until:
            what = "; ".join(f"{name}: {lack}, see {processes[name].log}" for name, lack in waiting.items())
            raise CommandFailure(f"Not ready after {timeout:g} s: {what}.")
        await asyncio.sleep(POLL_SECONDS if waiting else 0)
