"""Work in chunks, now and then."""

from __future__ import annotations

import asyncio

import pytest

from meshkit.errors import unavailable
from meshkit.periodic import Periodic


class Chunks:
    """Answers with what it is told to, in order; then with nothing to do."""

    def __init__(self, *outcomes: int | Exception) -> None:
        self.outcomes = list(outcomes)
        self.calls = 0

    async def __call__(self) -> int:
        self.calls += 1
        outcome = self.outcomes.pop(0) if self.outcomes else 0
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def ran(chunks: Chunks, *, interval: float, seconds: float = 0.15) -> None:
    task = asyncio.create_task(Periodic("cleaning", chunks, pause=0.001, interval=interval).run())
    await asyncio.sleep(seconds)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_chunk_after_chunk_is_done_until_nothing_is_left() -> None:
    chunks = Chunks(5, 5, 5)
    await ran(chunks, interval=60)
    assert chunks.calls == 4


async def test_work_is_looked_for_again_after_the_interval() -> None:
    chunks = Chunks()
    await ran(chunks, interval=0.02)
    assert 3 <= chunks.calls <= 8


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (unavailable("postgres"), "cleaning is tried again later: postgres cannot be reached"),
        (RuntimeError("bug"), "cleaning failed unexpectedly and is tried again later"),
    ],
)
async def test_chunk_that_fails_is_logged_and_tried_again(
    caplog: pytest.LogCaptureFixture, error: Exception, words: str
) -> None:
    chunks = Chunks(error, 1)
    await ran(chunks, interval=0.02)
    assert chunks.calls >= 3
    assert [record.getMessage() for record in caplog.records] == [words]
