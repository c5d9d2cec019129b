"""Waits until every process says that it is ready."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from console.failure import CommandFailure
from console.http import HttpClient, HttpError
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
        for name, missing in zip(
            waiting, await asyncio.gather(*[_missing(admin[name]) for name in waiting]), strict=True
        ):
            waiting[name] = missing
        waiting = {name: missing for name, missing in waiting.items() if missing}
        for name in waiting:
            if processes[name].cannot_start:
                raise cannot_start(name, processes[name].log)
        if waiting and time.monotonic() > until:
            what = "; ".join(f"{name}: {missing}, see {processes[name].log}" for name, missing in waiting.items())
            raise CommandFailure(f"Not ready after {timeout:g} s: {what}.")
        await asyncio.sleep(POLL_SECONDS if waiting else 0)


async def _missing(address: str) -> str:
    """Returns what a process lacks, nothing if it is ready."""
    client = HttpClient(f"http://{address}", connections=1, timeout=2)
    try:
        answer = await client.request("GET", "/ready")
        if answer.status == 200:
            return ""
        lacks = answer.json().get("missing", {})
        return ", ".join(f"{name} ({why})" for name, why in lacks.items()) or f"it answers {answer.status}"
    except (HttpError, ValueError, AttributeError) as error:
        return str(error) or "it does not answer"
    finally:
        client.close()
