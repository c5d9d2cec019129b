"""`rampart up`: starts the whole platform on this machine and keeps it running."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from console.arguments import whole
from console.failure import CommandFailure, WrongArgument
from console.home import add_home

if TYPE_CHECKING:
    from argparse import _SubParsersAction

HTTP_PORT = 8080
STOPPED = "Everything is stopped."


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `up` command."""
    parser = subparsers.add_parser("up", help="start everything on this machine until Ctrl-C")
    parser.add_argument(
        "--replicas", type=_replicas, action="append", default=[], metavar="SERVICE=N",
        help="so many processes of a service, among which calls go around; may be repeated (default 1)",
    )  # fmt: skip
    parser.add_argument(
        "--gateway-workers", type=whole(1, 64), metavar="N",
        help="processes of the gateway that share the port (default: RAMPART_GATEWAY_WORKERS)",
    )  # fmt: skip
    add_home(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Starts everything and waits for Ctrl-C or SIGTERM. Raises Failure if it cannot start."""
    os.umask(0o077)
    names = [name for name, _ in arguments.replicas]
    if len(set(names)) < len(names):
        raise WrongArgument("--replicas names a service twice.")
    environment = dict(os.environ)
    if arguments.gateway_workers is not None:
        environment["RAMPART_GATEWAY_WORKERS"] = str(arguments.gateway_workers)
    return asyncio.run(_run(arguments.home.absolute(), http_port(), dict(arguments.replicas), environment))


def _replicas(text: str) -> tuple[str, int]:
    from console.up.fleet import MOST_REPLICAS
    from console.up.names import read_table

    name, _, number = text.partition("=")
    services = read_table().names
    if name not in services:
        raise argparse.ArgumentTypeError(f"must be SERVICE=N with one of {', '.join(services)}, not {text!r}")
    return name, whole(1, MOST_REPLICAS)(number)


def http_port() -> int:
    """Returns RAMPART_HTTP_PORT. Raises Failure if it is no port."""
    text = os.environ.get("RAMPART_HTTP_PORT") or str(HTTP_PORT)
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:
        raise CommandFailure(f"RAMPART_HTTP_PORT must be a number from 0 to 65535, not {text!r}.")
    return int(text)


async def _run(home: Path, port: int, replicas: Mapping[str, int], environment: Mapping[str, str]) -> int:
    from console.up.screen import Screen  # other commands need none of this and start faster
    from console.up.stack import Stack

    screen = Screen()
    stop = _stop_signal()
    stack = Stack(home, port, environment=environment, report=screen, replicas=replicas)
    waiting = asyncio.create_task(stop.wait())
    starting = asyncio.create_task(stack.start())
    try:
        await asyncio.wait([waiting, starting], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            screen.ready(stack.dev, home)
            await waiting
            await stack.stop()
        else:
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError, CommandFailure):
                await starting
    finally:
        screen.quiet()
    print(STOPPED, flush=True)
    return 0


def _stop_signal() -> asyncio.Event:
    """Returns an event that Ctrl-C, SIGTERM and the end of the terminal set."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
