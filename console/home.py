"""Locates the state folder of the platform on this machine, and reads what `make up` says in it."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from console.failure import CommandFailure

Found = TypeVar("Found")

DEFAULT = Path(__file__).resolve().parent.parent / ".rampart"


def state_home() -> Path:
    """Returns RAMPART_HOME, or `.rampart` in the checkout."""
    return Path(os.environ.get("RAMPART_HOME") or DEFAULT).absolute()


def add_home(parser: argparse.ArgumentParser) -> None:
    """Adds the option --home."""
    parser.add_argument(
        "--home",
        type=Path,
        default=state_home(),
        metavar="FOLDER",
        help="state folder of `make up` (default %(default)s)",
    )


def from_dev(
    home: Path, read: Callable[[dict[str, Any]], Found], hint: str = "start the platform with `make up`"
) -> Found:
    """Returns what `read` takes of dev.json. Raises CommandFailure."""
    path = home / "dev.json"
    try:
        return read(json.loads(path.read_text()))
    except OSError as error:
        raise CommandFailure(f"Cannot read {path} ({error.strerror}): {hint}.") from error
    except (KeyError, TypeError, ValueError) as error:
        raise CommandFailure(f"{path} is not what `make up` writes: {error!r}.") from error
