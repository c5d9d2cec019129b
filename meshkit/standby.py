"""Lets a process wait, started and warm, until the one before it is gone: what it takes up is then there at once."""

from __future__ import annotations

import asyncio
import os
import sys

__all__ = ["STANDBY", "turn"]

STANDBY = "RAMPART_STANDBY_WORKER"
"""Set by whoever starts a process that shall wait. The word is given by a line on its standard input."""


async def turn() -> bool:
    """Waits for the word if the process stands by. Returns False if it will not come: whoever would give it is gone."""
    if not os.environ.get(STANDBY):
        return True
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0)
    )
    try:
        return bool(await reader.readline())
    finally:
        transport.close()
