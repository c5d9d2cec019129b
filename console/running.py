"""Reads what `make up` says of the platform that it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from console.failure import CommandFailure
from console.up import proc


def running(home: Path) -> dict[str, Any]:
    """Returns what dev.json says of the platform. Raises CommandFailure unless its supervisor lives."""
    path = home / "dev.json"
    try:
        dev: dict[str, Any] = json.loads(path.read_text())
        supervisor = int(dev["pids"]["supervisor"])
    except FileNotFoundError:
        raise CommandFailure(f"Nothing runs on {home}: start the platform with `make up`.") from None
    except OSError as error:
        raise CommandFailure(f"Cannot read {path} ({error.strerror}).") from error
    except (KeyError, TypeError, ValueError) as error:
        raise CommandFailure(f"{path} is not what `make up` writes: {error!r}.") from error
    if proc.start_time(supervisor) is None:
        raise CommandFailure(
            f"The supervisor (pid {supervisor}) is gone; `make up` ends what is left and starts again."
        )
    return dev
