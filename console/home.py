"""Locates the state folder of the platform on this machine."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

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
