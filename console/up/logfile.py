"""Rotates and bounds the log files of child processes."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

LARGEST_BYTES = 64 << 20
TAIL_BYTES = 8 << 10


def rotate(log: Path) -> None:
    """Moves the log of the run before to `<name>.log.1`."""
    if log.exists():
        os.replace(log, _kept(log))


def bound(log: Path) -> None:
    """Starts a log over when it has grown large, keeping its content beside.

    The process goes on writing to the same file: it was opened for appending, so it continues at the new end.
    """
    if log.exists() and log.stat().st_size > LARGEST_BYTES:
        try:
            shutil.copyfile(log, _kept(log))
        finally:
            os.truncate(log, 0)


def last_line(log: Path) -> str:
    """Returns the last words of a log, the message alone where they are JSON."""
    with open(log, "rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    if not lines:
        return "it said nothing"
    try:
        return str(json.loads(lines[-1])["message"])
    except (ValueError, TypeError, KeyError):
        return lines[-1][:300]


def _kept(log: Path) -> Path:
    return log.with_name(log.name + ".1")
