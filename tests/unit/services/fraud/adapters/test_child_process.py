"""A process that does work for another ends with it, whenever that is."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextlib import aclosing
from typing import Any

import pytest

from services.fraud.adapters import child_process
from services.fraud.adapters.child_process import told_by_child

WAITS = sys.executable, "-c", "import sys; sys.stdin.read()"


async def test_a_process_whose_work_is_given_up_while_it_starts_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, given_up = threading.Event(), threading.Event()
    children: list[subprocess.Popen[bytes]] = []
    start = child_process._started

    def slowly(program: Any) -> subprocess.Popen[bytes]:
        begun.set()
        given_up.wait(10)
        children.append(start(program))
        return children[-1]

    monkeypatch.setattr(child_process, "_started", slowly)

    async def follow() -> None:
        async with aclosing(told_by_child(WAITS, {})) as told:
            [each async for each in told]

    following = asyncio.create_task(follow())
    await asyncio.to_thread(begun.wait, 10)
    following.cancel()
    await asyncio.sleep(0)
    given_up.set()
    with pytest.raises(asyncio.CancelledError):
        await following
    async with asyncio.timeout(10):
        while not children or children[0].returncode is None:
            await asyncio.sleep(0.01)
