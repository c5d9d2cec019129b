"""What a killed supervisor leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.up import leftovers, proc
from console.up.leftovers import HOME_VARIABLE
from console.up.state import State

Child = subprocess.Popen[bytes]
SLEEP = "import time; time.sleep(60)"
ORPHANED = f"import os, subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])"


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State.open(tmp_path)


@pytest.fixture
def children() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for child in started:
        child.kill()
        child.wait(5)


def start(children: list[Child], state: State, script: str = SLEEP) -> Child:
    environment = {**os.environ, HOME_VARIABLE: str(state.home)}
    child = subprocess.Popen([sys.executable, "-c", script], env=environment, start_new_session=True)
    children.append(child)
    return child


def remember(state: State, child: Child, started: int | None = None) -> None:
    entry = {"name": "fraud", "pid": child.pid, "started": started or proc.start_time(child.pid), "signal": 15}
    state.write_json(leftovers.RECORD, {"boot": proc.boot_id(), "processes": [entry]})


def test_a_recorded_process_is_stopped_and_named(state: State, children: list[Child]) -> None:
    child = start(children, state)
    remember(state, child)
    assert leftovers.clear(state) == ["fraud"]
    assert child.wait(5) == -signal.SIGTERM
    assert leftovers.clear(state) == []


def test_a_pid_that_now_means_another_process_is_left_alone(state: State, children: list[Child]) -> None:
    child = start(children, state)
    remember(state, child, started=1)
    assert leftovers.clear(state) == []
    assert child.poll() is None


def test_a_record_of_an_earlier_boot_means_nothing(state: State, children: list[Child]) -> None:
    child = start(children, state)
    remember(state, child)
    state.write_json(leftovers.RECORD, {**state.read_json(leftovers.RECORD), "boot": "another"})
    assert leftovers.clear(state) == []
    assert child.poll() is None


def test_workers_that_outlive_their_recorded_parent_are_stopped(state: State, children: list[Child]) -> None:
    child = start(children, state, ORPHANED)
    remember(state, child, started=proc.start_time(child.pid))
    child.wait(5)
    (worker,) = proc.session_members(child.pid)
    assert leftovers.clear(state) == ["fraud"]
    assert proc.start_time(worker) is None


def test_one_that_ignores_the_signal_is_killed(
    state: State, children: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "GRACE_SECONDS", 0.3)
    ready = state.home / "ready"
    deaf = f"import pathlib, signal; signal.signal(15, signal.SIG_IGN); pathlib.Path({str(ready)!r}).touch(); {SLEEP}"
    child = start(children, state, deaf)
    while not ready.exists():
        time.sleep(0.01)
    remember(state, child)
    leftovers.clear(state)
    assert child.wait(5) == -signal.SIGKILL
