"""Starts a process: uvloop, JSON logs, telemetry, signals. One event loop per process."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import uvloop

from meshkit.settings import Reader, SettingsError
from meshkit.telemetry import logs, tracing

__all__ = ["run", "stop_requested"]

_stop: asyncio.Event | None = None


def run(service: str, main: Callable[[Reader], Awaitable[None]]) -> int:
    """Runs `main` with the process's settings until it returns; the answer is the exit status."""
    reader = Reader(os.environ)
    logs.configure(service, os.environ.get("RAMPART_LOG_LEVEL", "INFO").upper())
    tracing.configure(service)
    try:
        uvloop.run(_main(reader, main))
    except (SettingsError, OSError) as error:
        logging.getLogger(service).error("cannot start: %s", error)
        print(f"{service}: {error}", file=sys.stderr)
        return 1
    return 0


async def stop_requested() -> None:
    """Waits for SIGTERM or SIGINT."""
    assert _stop is not None, "the process was not started by meshkit.host.run"
    await _stop.wait()


async def _main(reader: Reader, main: Callable[[Reader], Awaitable[None]]) -> None:
    global _stop
    _stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _stop.set)
    await main(reader)
