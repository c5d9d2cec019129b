"""`rampart tenant`: makes tenants, changes their plans, stops them and lets them go on."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.arguments import units
from console.failure import CommandFailure, WrongArgument
from console.home import add_home
from console.tables import output, show, table, when

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from rampart.auth.v1 import auth_service_pb2

    from console.directory import TenantDirectory

CLASSES = ("decision", "read", "write")
COLUMNS = ("tenant", "tenant_id", "currency", "limits", "state", "created")
QUOTAS = {"members": 10_000, "clients": 1_000, "api_keys": 1_000}
"""Of what there may be so many, and how many where a plan does not say."""
STOP = "to stop a tenant, use `rampart tenant suspend`"


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `tenant` command."""
    parser = subparsers.add_parser("tenant", help="manage tenants")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="create a tenant; a name that exists is shown as it is")
    create.add_argument("name", help="lower-case letters, digits and hyphens")
    create.add_argument(
        "--currency", default="", metavar="CODE", help="currency of amounts that name none (default USD)"
    )
    _add_plan(create)
    _finish(create, _create)
    listing = actions.add_parser("list", help="list the tenants")
    listing.add_argument("--json", action="store_true", help="print JSON for scripts, one object a line")
    _finish(listing, _list)
    plan = actions.add_parser(
        "plan", help="replace what a tenant may use and have; rates count from each client's next token"
    )
    plan.add_argument("name", help="name of the tenant")
    _add_plan(plan)
    _finish(plan, _set_plan)
    for action, words in (
        ("show", "show a tenant"),
        ("suspend", "stop a tenant: no access tokens, those that it has are refused; nothing is lost"),
        ("resume", "let a tenant go on, with new access tokens"),
    ):
        control = actions.add_parser(action, help=words)
        control.add_argument("name", help="name of the tenant")
        control.set_defaults(action=action)
        _finish(control, _control)
    export = actions.add_parser("export", help="write all that every service has of a tenant into files")
    export.add_argument("name", help="name of the tenant")
    export.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="folder to make")
    _finish(export, _export)
    erase = actions.add_parser("erase", help="delete all that every service has of a suspended tenant, for ever")
    erase.add_argument("name", help="name of the tenant")
    erase.add_argument("--confirm", required=True, metavar="NAME", help="its name once more")
    _finish(erase, _erase)


def _finish(parser: argparse.ArgumentParser, action: Callable[[argparse.Namespace], Coroutine[Any, Any, int]]) -> None:
    add_home(parser)
    parser.set_defaults(run=lambda arguments: asyncio.run(action(arguments)))


@contextlib.asynccontextmanager
async def _directory(arguments: argparse.Namespace) -> AsyncIterator[TenantDirectory]:
    from console.directory import find_auth, open_directory  # gRPC takes long to load

    async with open_directory(*find_auth(arguments.home)) as directory:
        yield directory


async def _create(arguments: argparse.Namespace) -> int:
    async with _directory(arguments) as directory:
        tenant = await directory.create_tenant(arguments.name, arguments.currency, _plan(arguments))
    _show(tenant)
    return 0


async def _set_plan(arguments: argparse.Namespace) -> int:
    async with _directory(arguments) as directory:
        tenant = await directory.set_plan(arguments.name, _plan(arguments))
    _show(tenant)
    return 0


async def _control(arguments: argparse.Namespace) -> int:
    async with _directory(arguments) as directory:
        does = {"show": directory.tenant, "suspend": directory.suspend, "resume": directory.resume}
        _show(await does[arguments.action](arguments.name))
        if arguments.action == "show":
            for each in await directory.quotas(arguments.name):
                print(f"{each.quota.replace('_', ' '):9} {each.used} of {each.limit}")
    return 0


async def _export(arguments: argparse.Namespace) -> int:
    from console.tenant_data import TenantData

    async with _directory(arguments) as directory:
        tenant = await directory.tenant(arguments.name)
    async with TenantData.open(arguments.home, tenant.tenant_id) as data:
        rows = await data.export(arguments.to)
    for service, count in rows.items():
        print(f"{service:8} {count} rows")
    return 0


async def _erase(arguments: argparse.Namespace) -> int:
    if arguments.confirm != arguments.name:
        raise WrongArgument(f"--confirm must be {arguments.name}, the name of the tenant that is to be erased")
    from console.tenant_data import TenantData

    async with _directory(arguments) as directory:
        tenant = await directory.tenant(arguments.name)
        if not tenant.HasField("suspend_time"):
            raise CommandFailure(f"{arguments.name} is active: `rampart tenant suspend {arguments.name}` first.")
        if not tenant.HasField("erasure_allow_time"):
            await directory.allow_erasure(tenant)
    async with TenantData.open(arguments.home, tenant.tenant_id) as data:
        rows = await data.erase(lambda service, count: print(f"{service:8} {count} rows", file=sys.stderr))
    print(f"erased    {arguments.name}\nid        {tenant.tenant_id}\nrows      {rows.total()}")
    return 0


async def _list(arguments: argparse.Namespace) -> int:
    async with _directory(arguments) as directory:
        tenants = [_shown(tenant) async for tenant in directory.tenants()]
    if arguments.json:
        print("".join(f"{json.dumps(tenant)}\n" for tenant in tenants), end="")
        return 0
    rows = [(*list(each.values())[:-1], when(each["create_time"])) for each in tenants]
    show(output(), table(COLUMNS, rows), len(tenants), "tenants")
    return 0


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rate-limit", type=units(STOP), metavar="N", help="units per second of all calls together (default none)"
    )
    parser.add_argument(
        "--class-limit",
        type=_class_limit,
        action="append",
        default=[],
        metavar="CLASS=N",
        help=f"units per second of one class ({', '.join(CLASSES)}); may be repeated",
    )
    parser.add_argument(
        "--user-rate-limit", type=units(STOP), metavar="N", help="units per second of one user (default none)"
    )
    for name, default in QUOTAS.items():
        words = name.replace("_", " ")
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=units(STOP),
            metavar="N",
            help=f"most {words} that there may be (default {default})",
        )


def _class_limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if name not in CLASSES:
        raise argparse.ArgumentTypeError(f"must be CLASS=N with one of {', '.join(CLASSES)}, not {text!r}")
    return name, units(STOP)(number)


def _plan(arguments: argparse.Namespace) -> auth_service_pb2.TenantPlan:
    from rampart.auth.v1 import auth_service_pb2
    from rampart.mesh.v1 import policy_pb2

    quotas = {f"max_{name}": getattr(arguments, name) for name in QUOTAS}
    plan = auth_service_pb2.TenantPlan(
        rate_limit=arguments.rate_limit, user_rate_limit=arguments.user_rate_limit, **quotas
    )
    for name, limit in arguments.class_limit:
        number = policy_pb2.RateClass.Value(f"RATE_CLASS_{name.upper()}")
        plan.class_limits.add(**{"class": number, "rate_limit": limit})
    return plan


def _show(tenant: auth_service_pb2.Tenant) -> None:
    shown = _shown(tenant)
    print(f"tenant    {shown['tenant']}\nid        {shown['tenant_id']}\ncurrency  {shown['currency']}")
    print(f"limits    {shown['limits']}\nstate     {shown['state']}", end="")
    print(f" since {when(tenant.suspend_time.ToJsonString())}" if tenant.HasField("suspend_time") else "")
    if tenant.HasField("erasure_allow_time"):
        print(f"erasure   allowed since {when(tenant.erasure_allow_time.ToJsonString())}")


def _shown(tenant: auth_service_pb2.Tenant) -> dict[str, str]:
    from rampart.mesh.v1 import policy_pb2

    plan = tenant.plan
    limits = {"all": plan.rate_limit, "user": plan.user_rate_limit}
    for limit in plan.class_limits:
        name = policy_pb2.RateClass.Name(getattr(limit, "class"))
        limits[name.removeprefix("RATE_CLASS_").lower()] = limit.rate_limit
    shown = [f"{name} {limit}/s" for name, limit in limits.items() if limit]
    quotas = {name.replace("_", " "): getattr(plan, f"max_{name}") for name in QUOTAS}
    shown += [f"{name} {quota}" for name, quota in quotas.items() if quota]
    return {
        "tenant": tenant.name,
        "tenant_id": tenant.tenant_id,
        "currency": tenant.default_currency,
        "limits": ", ".join(shown) or "none",
        "state": "suspended" if tenant.HasField("suspend_time") else "active",
        "create_time": tenant.create_time.ToJsonString(),
    }
