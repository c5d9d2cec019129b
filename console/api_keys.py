"""`rampart key`: the API keys of a tenant, for programs that are too simple to ask for access tokens."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from console.api import Api, Json, resource
from console.arguments import length
from console.program_options import add_grace, add_program, grace
from console.secret_output import add_secret_file, call_for_secret
from console.tables import when
from console.tasking.action import print_item, print_pages
from console.tasking.options import add_limit, given
from console.tenant_access import finish_in_tenant

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/api-keys"
COLUMNS = ("key_id", "prefix", "name", "requests/s", "scopes", "created", "expires", "last used")
ROTATE = (
    "Replaces a key and shows the new one, this once. The one before is good for 24 hours more, or for --grace. The "
    "time at which the key expires stays."
)
REVOKE = "Ends the use of a key for good: it is refused everywhere within 5 seconds. What to do when one has leaked."


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `key` command."""
    parser = subparsers.add_parser("key", help="manage the API keys of a tenant")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="create an API key, which is shown this once")
    add_program(create, "key", "to stop a key, revoke it")
    create.add_argument("--expires", type=length, metavar="TIME", help="such as 30d, up to 366d (default 90d)")
    add_secret_file(create)
    finish_in_tenant(create, _create)
    listing = actions.add_parser("list", help="list the keys: their first characters, and when they were last used")
    add_limit(listing)
    finish_in_tenant(listing, _list)
    rotate = actions.add_parser("rotate", help="replace a key; the one before is good for a while", description=ROTATE)
    rotate.add_argument("key_id", metavar="KEY_ID")
    add_grace(rotate)
    add_secret_file(rotate)
    finish_in_tenant(rotate, _rotate)
    revoke = actions.add_parser("revoke", help="end the use of a key for good", description=REVOKE)
    revoke.add_argument("key_id", metavar="KEY_ID")
    finish_in_tenant(revoke, _revoke)


async def _create(api: Api, arguments: argparse.Namespace) -> int:
    wanted = given(arguments, ("display_name", "scopes", "rate_limit"))
    if arguments.expires is not None:
        wanted["expire_time"] = (datetime.now(UTC) + timedelta(seconds=arguments.expires)).isoformat()
    await _call_for_secret(api, arguments, PATH, wanted)
    return 0


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    await print_pages(arguments, api.pages(PATH, "api_keys", {}, arguments.limit), COLUMNS, _row, "keys")
    return 0


async def _rotate(api: Api, arguments: argparse.Namespace) -> int:
    await _call_for_secret(api, arguments, f"{_path(arguments)}:rotate", grace(arguments))
    return 0


async def _revoke(api: Api, arguments: argparse.Namespace) -> int:
    await api.call("DELETE", _path(arguments), repeat=False)
    print_item(arguments, {"key_id": arguments.key_id, "state": "revoked"})
    return 0


async def _call_for_secret(api: Api, arguments: argparse.Namespace, path: str, asked: Json) -> None:
    await call_for_secret(api, arguments, path, asked, item="api_key", secret="secret", shown_as="api_key")


def _row(key: Json) -> tuple[Any, ...]:
    return (
        key["key_id"], key["prefix"], key["display_name"], str(key["rate_limit"]), " ".join(key["scopes"]),
        when(key.get("create_time")), when(key.get("expire_time")), when(key.get("last_use_time")),
    )  # fmt: skip


def _path(arguments: argparse.Namespace) -> str:
    return resource(PATH, arguments.key_id)
