"""Has work done in a process of its own, which gives way to everything that decides (see `app/child.py`).

A child gets its order on its standard input and tells how far it is on its standard output, a JSON object a line. It
ends with its input: that is, with the process that started it, however that ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from meshkit.errors import unavailable
from meshkit.tasks import TaskFailure

__all__ = ["told_by_child"]

LARGEST_LINE = 1 << 20
END_SECONDS = 10.0
SILENCE_SECONDS = 300.0
"""A child that says nothing for so long is stuck: counting the decisions of a period takes the longest."""


async def told_by_child(program: Sequence[str], order: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
    """Runs a program and yields what it tells, until it has succeeded. It ends when that is no longer iterated.

    Raises TaskFailure, and MeshError UNAVAILABLE.
    """
    starting = asyncio.create_task(_begun(program))
    try:
        child, told = await asyncio.shield(starting)
        await asyncio.to_thread(_order, child, order)
        while line := await _line(told):
            news = json.loads(line)
            if _check(news):
                return
            yield news
        raise TaskFailure("ProcessEnded", "the process ended before its work")
    finally:
        # Shielded, as the start is: whoever is cancelled meanwhile would leave a process that nobody ends or waits for.
        await asyncio.shield(_end(starting))


async def _begun(program: Sequence[str]) -> tuple[subprocess.Popen[bytes], asyncio.StreamReader]:
    child = await asyncio.to_thread(_started, program)
    return child, await _reading(child)


def _started(program: Sequence[str]) -> subprocess.Popen[bytes]:
    # Not by the event loop, which forks: gRPC's handlers of forks break down in a process that is busy with calls.
    # This starts a process without running them, and without a copy of this one's tables of memory.
    # A session of its own, so that it can give way to this one.
    pipe = subprocess.PIPE
    return subprocess.Popen(program, stdin=pipe, stdout=pipe, stderr=sys.stderr, bufsize=0, start_new_session=True)


def _order(child: subprocess.Popen[bytes], order: Mapping[str, Any]) -> None:
    """Writes the order; its end stays open, for the child ends with it."""
    assert child.stdin is not None
    left = memoryview(json.dumps(order).encode() + b"\n")
    with contextlib.suppress(BrokenPipeError):
        while left:
            left = left[child.stdin.write(left) :]


async def _reading(child: subprocess.Popen[bytes]) -> asyncio.StreamReader:
    told = asyncio.StreamReader(LARGEST_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), child.stdout)
    return told


async def _line(told: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(SILENCE_SECONDS):
            return await told.readline()
    except TimeoutError:
        raise TaskFailure("ProcessStuck", "the process has told nothing for too long") from None


def _check(told: Mapping[str, Any]) -> bool:
    """Tells whether this is the last line, of work that succeeded. Raises what the child could not do."""
    match told.get("end"):
        case None:
            return False
        case "done":
            return True
        case "unavailable":
            raise unavailable("postgres")
        case _:
            raise TaskFailure(told["type"], told["message"], retryable=told["retryable"])


async def _end(starting: asyncio.Task[tuple[subprocess.Popen[bytes], asyncio.StreamReader]]) -> None:
    """Kills a child, once it is there: it has nothing to lose that is not stored."""
    child, _ = await starting
    child.kill()
    await asyncio.to_thread(_wait_for, child)


def _wait_for(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    child.stdin.close()
    child.wait(END_SECONDS)
