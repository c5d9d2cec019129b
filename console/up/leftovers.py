"""Ends the processes that a killed supervisor left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from typing import Any

from console.up import proc
from console.up.processes import Process
from console.up.state import State

RECORD = "processes.json"
HOME_VARIABLE = "RAMPART_SUPERVISED_HOME"
"""Set for every child, so that one which has lost its parent can still be recognised."""
GRACE_SECONDS = 5.0
KILL_SECONDS = 5.0


def record(state: State, processes: Iterable[Process]) -> None:
    """Writes down what runs now."""
    entries = []
    for process in processes:
        started = proc.start_time(process.pid) if process.pid else None
        if started is not None:
            stop = process.spec.stop_signal.value
            entries.append({"name": process.spec.name, "pid": process.pid, "started": started, "signal": stop})
    state.write_json(RECORD, {"boot": proc.boot_id(), "processes": entries})


def clear(state: State) -> list[str]:
    """Ends what the last run left and returns the names. Never touches a pid that has come to mean another process."""
    known = state.read_json(RECORD)
    if known.get("boot") != proc.boot_id():
        return []
    found = {pid: entry for entry in known.get("processes", []) for pid in _survivors(state, entry)}
    started = {pid: proc.start_time(pid) for pid in found}
    for pid, entry in found.items():
        _send(pid, started[pid], entry["signal"])
    _wait(started, GRACE_SECONDS)
    for pid, when in started.items():
        _send(pid, when, signal.SIGKILL)
    _wait(started, KILL_SECONDS)
    state.write_json(RECORD, {})
    return sorted({str(entry["name"]) for entry in found.values()})


def _survivors(state: State, entry: dict[str, Any]) -> list[int]:
    """Returns the recorded process if it still runs, and the workers of its session that are surely ours."""
    leader = int(entry["pid"])
    running = proc.start_time(leader)
    if running is not None and running != entry["started"]:
        return []
    members = proc.session_members(leader)
    workers = [pid for pid in members if proc.environment(pid).get(HOME_VARIABLE) == str(state.home)]
    return sorted({*workers, *([leader] if running is not None else [])})


def _send(pid: int, started: int | None, number: int) -> None:
    if started is not None and proc.start_time(pid) == started:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _wait(started: dict[int, int | None], seconds: float) -> None:
    """Waits until none of them runs any more, at most `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(
        when is not None and proc.start_time(pid) == when for pid, when in started.items()
    ):
        time.sleep(0.02)
