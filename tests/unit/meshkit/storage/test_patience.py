"""A loop that was busy takes nobody for gone who has answered meanwhile."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from meshkit.storage.patience import Patience

SECONDS, STALL = 0.05, 0.15
LONG = b"x" * 1_000_000 + b"\n"
"""More than the system keeps for who does not read."""
LOOPS = pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
Loop = Callable[[], asyncio.AbstractEventLoop]


def run(new_loop: Loop, work: Callable[[], Awaitable[object]]) -> object:
    async def bounded() -> object:
        async with asyncio.timeout(10):
            return await work()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(bounded())


async def wait(answer: bytes, *, stalled: bool) -> bytes:
    """Waits for a line, which comes while the loop does something else for longer than it is waited for."""
    here, there = socket.socketpair()
    reader, writer = await asyncio.open_unix_connection(sock=here, limit=2 * len(LONG))
    sender = threading.Thread(target=there.sendall, args=[answer])

    def work() -> None:
        sender.start()
        time.sleep(STALL if stalled else 0)

    asyncio.get_running_loop().call_later(SECONDS / 2, work)
    try:
        async with Patience(SECONDS):
            return await reader.readline()
    finally:
        writer.close()
        there.close()
        if sender.ident is not None:
            sender.join(10)


@LOOPS
@pytest.mark.parametrize("answer", [b"short\n", LONG], ids=["short", "long"])
@pytest.mark.parametrize("stalled", [False, True])
def test_what_was_answered_in_time_is_taken_also_by_a_loop_that_was_busy(
    new_loop: Loop, answer: bytes, stalled: bool
) -> None:
    assert run(new_loop, lambda: wait(answer, stalled=stalled)) == answer


@LOOPS
@pytest.mark.parametrize("stalled", [False, True])
def test_who_does_not_answer_is_given_up(new_loop: Loop, stalled: bool) -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        run(new_loop, lambda: wait(b"", stalled=stalled))
    assert time.monotonic() - begun >= SECONDS


@LOOPS
def test_a_cancellation_is_no_end_of_patience(new_loop: Loop) -> None:
    async def cancelled() -> bool:
        task = asyncio.create_task(wait(b"", stalled=False))
        await asyncio.sleep(SECONDS / 4)
        task.cancel()
        await asyncio.wait({task})
        return task.cancelled()

    assert run(new_loop, cancelled)
