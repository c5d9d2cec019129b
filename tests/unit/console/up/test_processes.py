"""Child processes: kept alive, named when they die, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from console.failure import CommandFailure
from console.up import proc, processes
from console.up.processes import Process, Spec, run_once
from meshkit.standby import STANDBY

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
# Two processes write at once: each line in one piece, which `print` does not promise.
STANDING_BY = f"""
import os, sys, time
if os.environ.get({STANDBY!r}):
    os.write(1, b"waits %d\\n" % os.getpid())
    if not sys.stdin.readline():
        sys.exit()
    os.write(1, b"goes on\\n")
else:
    os.write(1, b"up\\n")
time.sleep(60)
"""
SLOW = 30.0
"""Seconds for what takes several starts of the interpreter."""
FAMILY = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"


class Kept:
    """Processes under test and what they reported."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.events: list[str] = []
        self.pids: list[int | None] = []
        self._all: list[Process] = []

    async def start(self, script: str, **options: float) -> Process:
        spec = Spec("child", [sys.executable, "-c", script], dict(os.environ), self._folder, **options)  # type: ignore[arg-type]
        process = Process(spec, self._folder / "child.log", changed=self._changed, event=self.events.append)
        self._all.append(process)
        await process.start()
        return process

    async def stop(self) -> None:
        for process in self._all:
            await process.stop()

    def _changed(self) -> None:
        self.pids.append(self._all[-1].pid)


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[Kept]:
    kept = Kept(tmp_path)
    yield kept
    await kept.stop()


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def says_up(process: Process) -> bool:
    return "up" in process.log.read_text()


def waiting(process: Process) -> list[int]:
    """Returns the processes that have stood by, in order."""
    return [int(pid) for pid in re.findall(r"waits (\d+)\n", process.log.read_text())]


def alive(pid: int | None) -> bool:
    return pid is not None and proc.start_time(pid) is not None


async def test_a_process_that_is_killed_is_restarted_and_named(kept: Kept) -> None:
    process = await kept.start(SLEEP)
    old = process.pid
    assert old is not None
    os.kill(old, signal.SIGKILL)
    await until(lambda: kept.events)
    assert process.pid not in (old, None)
    assert kept.events == [f"child (pid {old}) died with signal 9; restarted as pid {process.pid}"]
    assert kept.pids == [old, None, process.pid]


async def test_a_process_that_stands_by_takes_over_and_another_stands_by(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "STANDBY_SECONDS", 0.0)
    process = await kept.start(STANDING_BY, standby=True)
    first, spares = process.pid, []
    for number in (1, 2):
        await until(lambda: len(waiting(process)) == number, SLOW)  # noqa: B023
        spares.append(waiting(process)[-1])
        victim = process.pid
        assert victim is not None
        os.kill(victim, signal.SIGKILL)
        await until(lambda: process.log.read_text().count("goes on") == number, SLOW)  # noqa: B023
        assert process.pid == spares[-1]
    assert first not in spares
    await until(lambda: len(waiting(process)) == 3, SLOW)
    spares.append(waiting(process)[-1])
    await process.stop()
    assert not any(alive(pid) for pid in spares)


async def test_a_process_that_stands_by_and_dies_is_not_missed(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STANDBY_SECONDS", 0.0)
    process = await kept.start(STANDING_BY, standby=True)
    await until(lambda: says_up(process) and waiting(process), SLOW)
    (spare,), old = waiting(process), process.pid
    assert old is not None
    os.kill(spare, signal.SIGKILL)
    await until(lambda: not alive(spare))
    os.kill(old, signal.SIGKILL)
    await until(lambda: process.pid not in (None, old))
    await until(lambda: process.log.read_text().count("up") == 2, SLOW)


async def test_a_process_that_exits_says_its_status(kept: Kept) -> None:
    process = await kept.start("import sys; sys.exit(3)")
    await until(lambda: kept.events)
    assert "exited with status 3" in kept.events[0]
    await process.stop()


async def test_a_process_that_keeps_ending_is_restarted_ever_later_and_given_up_by_who_waits(kept: Kept) -> None:
    process = await kept.start("raise SystemExit(1)")
    await until(lambda: kept.events)
    assert not process.cannot_start
    started = time.monotonic()
    await until(lambda: process.cannot_start)
    await until(lambda: len(kept.events) >= 3)
    assert time.monotonic() - started > 0.5


async def test_a_stopped_process_stays_down(kept: Kept) -> None:
    process = await kept.start(SLEEP)
    pid = process.pid
    await until(lambda: says_up(process))
    await process.stop()
    assert not alive(pid)
    assert kept.events == []


async def test_a_process_that_ignores_the_stop_signal_is_killed_in_time(kept: Kept) -> None:
    process = await kept.start(DEAF, stop_seconds=0.3)
    pid = process.pid
    await until(lambda: says_up(process))
    started = time.monotonic()
    await process.stop()
    assert not alive(pid)
    assert 0.2 < time.monotonic() - started < 3


async def test_stopping_during_the_wait_before_a_restart_starts_nothing(kept: Kept) -> None:
    process = await kept.start("raise SystemExit(1)")
    await until(lambda: len(kept.events) >= 2)
    await until(lambda: process.pid is None)
    await process.stop()
    count = len(kept.pids)
    await asyncio.sleep(0.8)
    assert len(kept.pids) == count


async def test_workers_of_a_killed_process_are_swept_away_before_the_restart(kept: Kept) -> None:
    process = await kept.start(FAMILY)
    leader = process.pid
    assert leader is not None
    await until(lambda: proc.children(leader))
    (worker,) = proc.children(leader)
    os.kill(leader, signal.SIGKILL)
    await until(lambda: kept.events)
    assert not alive(worker)


async def test_a_command_that_fails_is_reported_with_its_last_words(tmp_path: Path) -> None:
    spec = Spec("the step", [sys.executable, "-c", "print('because'); raise SystemExit(2)"], dict(os.environ))
    with pytest.raises(CommandFailure, match=r"the step exited with status 2: because \(all of it is in .*step\.log\)"):
        await run_once(spec, tmp_path / "step.log", timeout=20)


async def test_a_command_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    spec = Spec(
        "the step", [sys.executable, "-c", f"import os; print(os.getpid(), flush=True); {SLEEP}"], dict(os.environ)
    )
    with pytest.raises(CommandFailure, match=r"did not finish within 0\.5 s"):
        await run_once(spec, tmp_path / "step.log", timeout=0.5)
    with contextlib.suppress(IndexError):
        assert not alive(int((tmp_path / "step.log").read_text().split()[0]))
