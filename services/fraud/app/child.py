"""Does work in a process of its own, for `adapters/child_process.py`."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import re
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import uvloop

from meshkit.errors import MeshError
from meshkit.storage import postgres
from meshkit.tasks import TaskFailure
from meshkit.telemetry import logs
from meshkit.yielding import NICEST, give_way
from services.fraud.ports import LogsUnavailableError

__all__ = ["cost", "do_order", "limit_resources", "open_store", "tell"]

_log = logging.getLogger(__name__)

STATEMENT_SECONDS = 120.0
CONNECT_SECONDS = 10.0
"""Who gets only the time that is left connects slowly."""
STATUS = Path("/proc/self/status")
OOM_SCORE = Path("/proc/self/oom_score_adj")
FIRST_TO_GO = "1000"
"""Where memory is short, Linux ends this process and no other."""
ORPHANED = 3
COLLECTOR_THRESHOLDS = 20_000, 50, 100


def do_order(work: Callable[[Mapping[str, Any]], Awaitable[None]], *, nice: int = NICEST) -> None:
    """Reads an order from the standard input, and ends with it. `work` does it, and may raise whatever happens.

    Niced less than by default it gives way, but is not left without any time: for what somebody waits for.
    """
    give_way(nice)
    logs.configure("fraud", os.environ.get("RAMPART_LOG_LEVEL", "INFO").upper())
    order = sys.stdin.buffer.readline()
    # What is there now stays; what comes goes again page by page, and is not looked through each time.
    gc.freeze()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    if order:
        uvloop.run(_do(work, json.loads(order)))


def tell(told: Mapping[str, object]) -> None:
    """Tells who started this process how far it is."""
    print(json.dumps(told), flush=True)


def limit_resources(*, memory_mb: int, cpu_seconds: int) -> None:
    """Limits this process: what it holds beyond fails as out of memory, and beyond the time it is ended."""
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, memory_mb << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        OOM_SCORE.write_text(FIRST_TO_GO)


@asynccontextmanager
async def open_store(dsn: str) -> AsyncIterator[postgres.Pool]:
    """Opens the database for the block, once it can be reached. Raises MeshError UNAVAILABLE."""
    async with postgres.pool(dsn, size=3, seconds=STATEMENT_SECONDS) as pool:
        async with postgres.connected(pool, wait=CONNECT_SECONDS):
            pass
        yield pool


def cost() -> Mapping[str, float]:
    """Returns the time and the memory that this process has taken."""
    return {"cpu_seconds": round(time.process_time(), 2), "peak_kb": _peak_kb()}


async def _do(work: Callable[[Mapping[str, Any]], Awaitable[None]], order: Mapping[str, Any]) -> None:
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _end_with_input)
    try:
        await work(order)
    except TaskFailure as failure:
        told = {"end": "failed", "type": failure.type, "message": failure.message, "retryable": failure.retryable}
    except LogsUnavailableError as error:
        _log.warning("work of a process is tried again: %s", error)
        told = {"end": "failed", "type": "LogsUnavailable", "message": str(error), "retryable": True}
    except MeshError as error:
        _log.warning("work of a process is tried again: %s", error.message)
        told = {"end": "unavailable"}
    except Exception as error:
        _log.exception("work of a process failed unexpectedly")
        words = "the process failed; its log says why"
        told = {"end": "failed", "type": type(error).__name__, "message": words, "retryable": True}
    else:
        told = {"end": "done"}
    tell(told)


def _peak_kb() -> int:
    """Returns the most memory that this program held; the system's count for a process has that of its parent in it."""
    found = re.search(r"VmHWM:\s+(\d+)", STATUS.read_text())
    return int(found[1]) if found else 0


def _end_with_input() -> None:
    if not os.read(sys.stdin.fileno(), 1):
        os._exit(ORPHANED)
