"""The options and the frame that both generators share as programs."""

from __future__ import annotations

import argparse
import contextlib
import random
import resource
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from console.failure import CommandFailure
from console.home import add_home
from console.http import HttpClient, HttpError
from console.target import AccessTokens
from console.target import Target as Platform
from tests.load.driver import Driver
from tests.load.workload import CHECK_PATH, SHOPS, USERS, Target, check_body

__all__ = ["allow_files", "load_parser", "run_load", "try_check"]

Make = Callable[[Target], Driver]
Probe = Callable[[Target], Awaitable[None]]
"""Sends what the load will send, once. Raises CommandFailure unless it is answered as it should be."""


def load_parser(description: str, *, connections: int, path: str = CHECK_PATH) -> argparse.ArgumentParser:
    """Returns a parser with everything but what one kind of load adds."""
    parser = argparse.ArgumentParser(description=description)
    add_home(parser)
    parser.add_argument("--base-url", help="another address than that of the platform in --home")
    parser.add_argument("--token", default="", help="access token for --base-url; shows in the list of processes")
    parser.add_argument("--token-file", type=Path, help="file with the access token for --base-url")
    parser.add_argument("--path", default=path, help="where the requests go (default %(default)s)")
    parser.add_argument("--connections", type=int, default=connections, help="(default %(default)s)")
    parser.add_argument("--warm-up", type=float, default=2.0, help="seconds, unmeasured (default %(default)g)")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured (default %(default)g)")
    parser.add_argument("--users", type=int, default=USERS, help="number of users (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="chooses users, devices, addresses, amounts")
    parser.add_argument("--habits", action="store_true", help="checks of users with habits: few devices, cards, shops")
    parser.add_argument("--shops", type=int, default=SHOPS, help="where they pay (default %(default)s)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


async def try_check(target: Target) -> None:
    """Sends one check. Raises CommandFailure unless a decision answers: what refuses quickly must not look fast."""
    client = HttpClient(target.base_url, connections=1)
    headers = [("authorization", f"Bearer {target.token}"), ("content-type", "application/json")]
    with contextlib.closing(client):
        answer = await client.request("POST", target.path, headers=headers, body=check_body(random.Random(), user=1))
    if answer.status != 200 or "confidence_score" not in answer.json():
        raise CommandFailure(
            f"A check at {target.base_url}{target.path} answers {answer.status}: {answer.body[:300]!r}"
        )


def run_load(arguments: argparse.Namespace, make: Make, probe: Probe = try_check) -> int:
    """Runs one load and prints its result. Returns 1 with one sentence if it cannot begin."""
    try:
        return uvloop.run(_run(arguments, make, probe))
    except (CommandFailure, HttpError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


async def _run(arguments: argparse.Namespace, make: Make, probe: Probe) -> int:
    allow_files(arguments.connections)
    target = await _target(arguments)
    await probe(target)
    result = await make(target).run(arguments.warm_up, arguments.seconds)
    print(result.to_json() if arguments.json else "\n".join(result.lines()))
    return 0


async def _target(arguments: argparse.Namespace) -> Target:
    if arguments.base_url:
        token = arguments.token_file.read_text().strip() if arguments.token_file else arguments.token
        return Target(arguments.base_url.rstrip("/"), token, arguments.path)
    platform = Platform.from_home(arguments.home)
    source = AccessTokens(platform)
    try:
        return Target(platform.base_url, await source.token(), arguments.path)
    finally:
        source.close()


def allow_files(connections: int) -> None:
    """Raises the soft limit of open files where that is needed and allowed."""
    needed = connections + 100
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard) if hard >= 0 else needed, hard))
