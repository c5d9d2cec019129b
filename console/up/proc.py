"""Reads what Linux says about processes. A pid may be another process by now; with its start time it is not."""

from __future__ import annotations

import os
from pathlib import Path

_PROC = Path("/proc")


def boot_id() -> str:
    """Identifies the running boot: start times count from it."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """Returns when a process started, in clock ticks since boot; None if there is none, or only its remains."""
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] not in ("Z", "X") else None


def memory(pid: int) -> int:
    """Returns the bytes of memory that only a process has and its share of what it has with others; 0 if unknown."""
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    except OSError:
        pass
    return 0


def children(pid: int) -> list[int]:
    """Returns the pids of a process's children."""
    found: list[int] = []
    try:
        for task in (_PROC / str(pid) / "task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    except OSError:
        return []  # the process ended while it was read
    return sorted(found)


def session_members(session: int) -> list[int]:
    """Returns the pids of the living processes in a session."""
    pids = [int(entry) for entry in os.listdir(_PROC) if entry.isdigit()]
    return [pid for pid in pids if (fields := _stat(pid)) and fields[0] not in ("Z", "X") and int(fields[3]) == session]


def environment(pid: int) -> dict[str, str]:
    """Returns the environment that a process was started with, empty if it cannot be read."""
    try:
        content = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (os.fsdecode(entry).partition("=") for entry in content.split(b"\0") if entry)
    return {name: value for name, _, value in pairs}


def _stat(pid: int) -> list[str] | None:
    """Returns the fields of /proc/PID/stat from the third on: the second, a name, may hold anything."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
