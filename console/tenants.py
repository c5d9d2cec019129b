"""`rampart tenant create`: makes a tenant."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from console.home import add_home

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `tenant` command."""
    parser = subparsers.add_parser("tenant", help="manage tenants")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="create a tenant; a name that exists is shown as it is")
    create.add_argument("name", help="lower-case letters, digits and hyphens")
    create.add_argument(
        "--currency", default="", metavar="CODE", help="currency of amounts that name none (default USD)"
    )
    add_home(create)
    create.set_defaults(run=run_create)


def run_create(arguments: argparse.Namespace) -> int:
    """Creates the tenant and shows it."""
    return asyncio.run(_create(arguments.name, arguments.currency, arguments.home))


async def _create(name: str, currency: str, home: Path) -> int:
    from console.directory import find_auth, open_directory  # gRPC takes long to load

    async with open_directory(*find_auth(home)) as directory:
        tenant = await directory.create_tenant(name, currency)
    print(f"tenant    {tenant.name}\nid        {tenant.tenant_id}\ncurrency  {tenant.default_currency}")
    return 0
