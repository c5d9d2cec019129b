"""`rampart gateway`: serves any gRPC service as REST, without the rest of Rampart."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `gateway` command. Its options are the gateway's own."""
    # With options of our own argparse would take `--help` and abbreviations for itself.
    parser = subparsers.add_parser(
        "gateway", help="serve any gRPC service as REST, from its descriptors", add_help=False, prefix_chars="\0"
    )
    parser.add_argument("arguments", nargs="*", metavar="OPTIONS")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Becomes the gateway: signals and the exit status are its own."""
    os.execv(sys.executable, [sys.executable, "-m", "gateway.standalone", *arguments.arguments])
