"""The frame of a benchmark as a program: its folder, its limits, its exit status."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from console.failure import CommandFailure
from console.http import HttpError
from console.up.account import find_account
from console.up.names import ROOT
from console.up.state import State

__all__ = ["OUTPUT", "bench_console", "bounded", "remove_outside", "run_bench", "state_folder"]

OUTPUT = ROOT / "build/bench"
T = TypeVar("T")


def run_bench(bench: Callable[[], None]) -> int:
    """Runs a benchmark. Returns 1 with one sentence if it cannot go on."""
    os.umask(0o077)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    try:
        bench()
    except (CommandFailure, HttpError, TimeoutError) as error:
        print(f"bench: {str(error) or 'it took too long'}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    return 0


def bench_console() -> Console:
    """Returns a console that is wide enough for the tables also in a file."""
    return Console(width=None if sys.stdout.isatty() else 160)


async def bounded(seconds: float, work: Awaitable[T]) -> T:
    """Awaits for at most so long; SIGTERM ends it as well, with everything stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with asyncio.timeout(seconds):
        return await work


@contextlib.contextmanager
def state_folder() -> Iterator[Path]:
    """Makes a folder for the data of the platforms and removes it when they are done; their logs stay."""
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=OUTPUT))
    try:
        yield folder
    finally:
        for home in folder.iterdir():
            shutil.copytree(home / "logs", OUTPUT / "logs" / home.name, dirs_exist_ok=True)
            remove_outside(State(home))
        shutil.rmtree(folder, ignore_errors=True)


def remove_outside(state: State) -> None:
    """Removes what may lie outside the state folder: a cluster that runs as another user, sockets."""
    account = find_account(state)
    outside = [path for path in (account.data.parent, account.sockets) if not path.is_relative_to(state.home)]
    for path in outside:
        shutil.rmtree(path, ignore_errors=True)
