"""Background tasks: none dies in silence, and none outlives its process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from meshkit import cancellation, supervisor
from meshkit.cancellation import StillRunningError, cancel_until_done
from meshkit.settings import SettingsError
from meshkit.supervisor import BackgroundTask, Work
from meshkit.telemetry.admin import NotReadyError, Readiness


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_BACKOFF", 0.02)
    monkeypatch.setattr(cancellation, "CANCEL_AGAIN_SECONDS", 0.02)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


async def words(task: BackgroundTask) -> str:
    """Returns what is wrong with a task, empty if it is ready."""
    return (await Readiness({task.name: task.check}).missing()).get(task.name, "")


@asynccontextmanager
async def running(work: Work) -> AsyncIterator[BackgroundTask]:
    task = BackgroundTask("cleaning", work, lambda _: None)
    task.start()
    try:
        yield task
    finally:
        await task.stop()


class Mortal:
    """Work that dies, in one way or another, as often as it is told to, and then goes on."""

    def __init__(self, *deaths: Exception | None) -> None:
        self.deaths = list(deaths)
        self.starts: list[float] = []

    async def run(self) -> None:
        self.starts.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0)
        if self.deaths:
            death = self.deaths.pop(0)
            if death is None:
                return
            raise death
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("death", "word"), [(RuntimeError("secret of acme"), "died of RuntimeError"), (None, "returned")]
)
async def test_task_that_ends_is_logged_makes_not_ready_and_is_started_again(
    caplog: pytest.LogCaptureFixture, death: Exception | None, word: str
) -> None:
    work = Mortal(death)
    async with running(work.run) as task:
        assert await words(task) == ""
        await until(lambda: bool(caplog.records))
        found = await words(task)
        assert f"the background task {word}" in found
        assert "acme" not in found
        await until(lambda: len(work.starts) == 2)
        async with asyncio.timeout(5):
            while await words(task):
                await asyncio.sleep(0.005)
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, f"background task cleaning {word}")
    assert bool(record.exc_info) is (death is not None)


async def test_task_that_keeps_dying_is_not_ready_in_between() -> None:
    work = Mortal(*[RuntimeError() for _ in range(4)])
    async with running(work.run) as task:
        seen = set()
        await until(lambda: len(work.starts) > 1)
        while len(work.starts) < 5:
            seen.add(bool(await words(task)))
            await asyncio.sleep(0.001)
        assert seen == {True}


async def test_pauses_between_restarts_grow_up_to_a_bound_and_are_never_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def counted(seconds: float) -> None:
        if seconds:
            pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(supervisor, "MAX_BACKOFF", 0.16)
    # Work that a busy machine holds up has not run for long.
    monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=lambda: 0.0))
    # Of this module alone: other work of the loop sleeps too.
    monkeypatch.setattr(supervisor, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": counted}))
    work = Mortal(*[RuntimeError() for _ in range(8)])
    async with running(work.run):
        async with asyncio.timeout(5):
            while len(work.starts) < 9:
                await sleep(0.001)
    expected = [0.02, 0.04, 0.08, 0.16, 0.16, 0.16, 0.16, 0.16]
    assert all(low <= pause <= 1.2 * low for pause, low in zip(pauses, expected, strict=True))
    assert len(set(pauses)) == len(pauses), "replicas that died together must not start together"


async def test_task_that_ran_for_long_begins_with_the_first_pause_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "SETTLED_SECONDS", 0.0)
    work = Mortal(*[RuntimeError() for _ in range(12)])
    async with running(work.run):
        await until(lambda: len(work.starts) == 13)
    assert work.starts[-1] - work.starts[-2] < 0.2


async def test_cancellation_that_nobody_asked_for_is_a_death_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1
        if starts == 1:
            raise asyncio.CancelledError
        await asyncio.Event().wait()

    async with running(work) as task:
        await until(lambda: starts == 2)
        assert "was cancelled from inside" in await words(task)
    assert "was cancelled from inside" in caplog.text


async def test_error_that_no_restart_can_mend_ends_the_task_and_is_handed_on() -> None:
    error, found = SettingsError("RAMPART_X is not set"), list[Exception]()
    work = Mortal(error)
    task = BackgroundTask("cleaning", work.run, found.append)
    task.start()
    await until(lambda: bool(found))
    await asyncio.sleep(0.1)
    assert found == [error]
    assert len(work.starts) == 1
    with pytest.raises(NotReadyError):
        await task.check()
    await task.stop()


@pytest.mark.parametrize("swallowed", [1, 3])
async def test_task_that_swallows_cancellations_is_ended_nevertheless_and_not_started_again(swallowed: int) -> None:
    starts, left = 0, swallowed

    async def work() -> None:
        nonlocal starts, left
        starts += 1
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                left -= 1
                if left < 0:
                    raise

    async with running(work):
        await until(lambda: starts == 1)
    assert (starts, left) == (1, -1)


async def test_work_that_returns_when_it_is_cancelled_is_not_started_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_BACKOFF", 0.0)
    starts = 0

    async def work() -> None:
        nonlocal starts
        starts += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    async with running(work):
        await until(lambda: starts == 1)
    assert starts == 1
    assert not caplog.records


async def test_stopping_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.1)
    end = asyncio.Event()

    async def deaf() -> None:
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue

    task = BackgroundTask("deaf", deaf, lambda _: None)
    task.start()
    await asyncio.sleep(0)
    async with asyncio.timeout(2):
        with pytest.raises(StillRunningError, match="deaf"):
            await task.stop()
    end.set()
    await task.stop()


async def test_task_that_was_never_started_can_be_stopped() -> None:
    work = Mortal()
    await BackgroundTask("idle", work.run, lambda _: None).stop()
    assert work.starts == []


async def test_what_is_done_needs_no_cancellation() -> None:
    task = asyncio.create_task(asyncio.sleep(0))
    await task
    assert await cancel_until_done(task, 0.1)
    assert not task.cancelled()
