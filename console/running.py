"""Reads what `make up` says of the platform that it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from console.failure import CommandFailure
from console.home import from_dev
from console.up import proc


def running(home: Path) -> dict[str, Any]:
    """Returns what dev.json says of the platform. Raises CommandFailure unless its supervisor lives."""
    if not (home / "dev.json").exists():
        raise CommandFailure(f"Nothing runs on {home}: start the platform with `make up`.")
    dev, supervisor = from_dev(home, lambda dev: (dev, int(dev["pids"]["supervisor"])))
    if proc.start_time(supervisor) is None:
        raise CommandFailure(
            f"The supervisor (pid {supervisor}) is gone; `make up` ends what is left and starts again."
        )
    return dev
