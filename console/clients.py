"""`rampart client`: makes, lists, rotates, disables and enables the clients of a tenant."""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import TYPE_CHECKING, Any

from console.arguments import units
from console.home import add_home
from console.tables import output, print_fields, show, state_text, table, when

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from rampart.auth.v1 import auth_service_pb2

STOP = "to stop a client, disable it"
ACTIONS = {
    "rotate": "Replaces the secret of a client and shows the new one, this once. The old one is refused within 5 "
    "seconds; access tokens that were issued before stay good until they expire.",
    "disable": "Issues no access tokens to a client, within 5 seconds from now. Those that it has stay good until they "
    "expire.",
    "enable": "Issues access tokens to a client again.",
}
COLUMNS = ("client_id", "state", "name", "requests/s", "scopes", "created", "rotated")


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `client` command."""
    parser = subparsers.add_parser("client", help="manage the clients of a tenant")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="create a client; its secret is shown this once")
    create.add_argument("--tenant", required=True, help="name of the tenant")
    create.add_argument(
        "--scope",
        action="append",
        default=[],
        help="may be repeated (default: all but fraud:backfill, pii:read, scenario:publish and scenario:policy)",
    )
    create.add_argument("--rate-limit", type=units(STOP), metavar="N", help="requests per second (default 100)")
    create.add_argument("--name", default="", help="what the client is for")
    _finish(create, _create)
    listing = actions.add_parser("list", help="list the clients of a tenant, without their secrets")
    listing.add_argument("--tenant", required=True, help="name of the tenant")
    _finish(listing, _list)
    for name, run in (("rotate", _rotate), ("disable", _disable), ("enable", _enable)):
        text = ACTIONS[name]
        one = actions.add_parser(name, help=text.partition(".")[0].lower(), description=text)
        one.add_argument("client_id", metavar="CLIENT_ID")
        _finish(one, run)


def _finish(parser: argparse.ArgumentParser, run: Any) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for scripts, one object a line")
    add_home(parser)
    parser.set_defaults(run=lambda arguments: asyncio.run(run(arguments)))


async def _create(arguments: argparse.Namespace) -> int:
    from console.directory import find_auth, open_directory  # gRPC takes long to load

    async with open_directory(*find_auth(arguments.home)) as directory:
        client = await directory.create_client(
            arguments.tenant,
            scopes=arguments.scope,
            rate_limit=arguments.rate_limit or 0,
            display_name=arguments.name,
        )
    shown = {
        "tenant": client.tenant,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        "scopes": " ".join(client.scopes),
        "rate_limit": client.rate_limit,
    }
    print_fields(shown, as_json=arguments.json)
    return 0


async def _list(arguments: argparse.Namespace) -> int:
    from console.directory import find_auth, open_directory

    async with open_directory(*find_auth(arguments.home)) as directory:
        clients = [_shown(client) async for client in directory.clients(arguments.tenant)]
    if arguments.json:
        print("".join(f"{json.dumps(client)}\n" for client in clients), end="")
    else:
        show(output(), table(COLUMNS, map(_row, clients)), len(clients), "clients")
    return 0


async def _rotate(arguments: argparse.Namespace) -> int:
    from console.directory import find_auth, open_directory

    async with open_directory(*find_auth(arguments.home)) as directory:
        secret = await directory.rotate_secret(arguments.client_id)
    print_fields({"client_id": arguments.client_id, "client_secret": secret}, as_json=arguments.json)
    return 0


async def _disable(arguments: argparse.Namespace) -> int:
    return await _set_disabled(arguments, True)


async def _enable(arguments: argparse.Namespace) -> int:
    return await _set_disabled(arguments, False)


async def _set_disabled(arguments: argparse.Namespace, disabled: bool) -> int:
    from console.directory import find_auth, open_directory

    async with open_directory(*find_auth(arguments.home)) as directory:
        await directory.set_disabled(arguments.client_id, disabled)
    state = "disabled" if disabled else "enabled"
    print_fields({"client_id": arguments.client_id, "state": state}, as_json=arguments.json)
    return 0


def _shown(client: auth_service_pb2.Client) -> dict[str, Any]:
    """Returns what is shown of a client; times are RFC 3339 in UTC, "" where there is none."""
    return {
        "client_id": client.client_id,
        "state": "disabled" if client.HasField("disable_time") else "enabled",
        "name": client.display_name,
        "rate_limit": client.rate_limit,
        "scopes": " ".join(client.scopes),
        "create_time": client.create_time.ToJsonString(),
        "rotate_time": client.rotate_time.ToJsonString() if client.HasField("rotate_time") else "",
        "disable_time": client.disable_time.ToJsonString() if client.HasField("disable_time") else "",
    }


def _row(client: dict[str, Any]) -> tuple[Any, ...]:
    return (
        client["client_id"], state_text(client["state"]), client["name"], str(client["rate_limit"]), client["scopes"],
        when(client["create_time"]), when(client["rotate_time"]),
    )  # fmt: skip
