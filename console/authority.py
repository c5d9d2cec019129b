"""`rampart ca`: replaces the authority that signs the certificates of the platform on this machine."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from console.home import add_home
from console.running import running

if TYPE_CHECKING:
    from argparse import _SubParsersAction

ROTATE = """Replaces the authority in three steps: trusts the next beside the former, issues all certificates anew, and
trusts the next alone. Waits after each until every process goes by it, so no call is refused. Broken off, it goes on
where it was."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `ca` command."""
    parser = subparsers.add_parser("ca", help="replace the authority of the mesh")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    rotate = actions.add_parser("rotate", help="replace it while the platform runs", description=ROTATE)
    add_home(rotate)
    rotate.set_defaults(run=run_rotate)


def run_rotate(arguments: argparse.Namespace) -> int:
    """Replaces the authority. Raises CommandFailure."""
    from console.up.certificates import Authority  # loads the library for X.509
    from console.up.rotation import Rotation

    home: Path = arguments.home
    dev = running(home)
    authority = Authority.of(home / "tls")
    with authority.held():
        asyncio.run(Rotation(authority, dev["admin"], lambda step: print(f"{step} …", flush=True)).run())
    print("The authority is replaced. Callers of your own take their new certificates from the same files.")
    return 0
