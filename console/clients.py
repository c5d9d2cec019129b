"""`rampart client create`: makes a client of a tenant and shows its secret, this once."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import TYPE_CHECKING

from console.home import add_home

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `client` command."""
    parser = subparsers.add_parser("client", help="manage the clients of a tenant")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="create a client; its secret is shown this once")
    create.add_argument("--tenant", required=True, help="name of the tenant")
    create.add_argument(
        "--scope", action="append", default=[], help="may be repeated (default: all but fraud:backfill)"
    )
    create.add_argument("--rate-limit", type=int, default=0, metavar="N", help="requests per second (default 100)")
    create.add_argument("--name", default="", help="what the client is for")
    create.add_argument("--json", action="store_true", help="print one JSON object")
    add_home(create)
    create.set_defaults(run=run_create)


def run_create(arguments: argparse.Namespace) -> int:
    """Creates the client and shows its credentials."""
    return asyncio.run(_create(arguments))


async def _create(arguments: argparse.Namespace) -> int:
    from console.directory import find_auth, open_directory  # gRPC takes long to load

    async with open_directory(*find_auth(arguments.home)) as directory:
        client = await directory.create_client(
            arguments.tenant, scopes=arguments.scope, rate_limit=arguments.rate_limit, display_name=arguments.name
        )
    shown = {
        "tenant": client.tenant,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "scopes": " ".join(client.scopes),
        "rate_limit": client.rate_limit,
    }
    print(json.dumps(shown) if arguments.json else "\n".join(f"{name:<14} {value}" for name, value in shown.items()))
    return 0
