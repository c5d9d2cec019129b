"""`rampart token`: prints an access token of the demo client, for use with curl."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from console.failure import CommandFailure
from console.home import add_home

if TYPE_CHECKING:
    from argparse import _SubParsersAction

CLIENTS = ("client", "other_tenant", "limited_client")


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `token` command."""
    parser = subparsers.add_parser("token", help="print an access token of a client that `make up` has made")
    parser.add_argument("--client", choices=CLIENTS, default=CLIENTS[0], help="which one (default %(default)s)")
    add_home(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Asks the edge for a token and prints it."""
    print(asyncio.run(_token(arguments)))
    return 0


async def _token(arguments: argparse.Namespace) -> str:
    from console.http import HttpError
    from console.target import AccessTokens, Target

    source = AccessTokens(Target.from_home(arguments.home, arguments.client))
    try:
        return await source.token()
    except HttpError as error:
        raise CommandFailure(f"No token: {error}.") from error
    finally:
        source.close()
