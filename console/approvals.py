"""`rampart approval`: what waits for a second person, in a tenant or of operators."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import quote

from console.api import Api, Json
from console.failure import CommandFailure
from console.tables import output, state_text, when
from console.tasking.action import print_pages
from console.tasking.options import add_limit, add_output
from console.tasking.tables import details
from console.tenant_access import open_tenant_api

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from rich.text import Text

PATH = "/api/v1/approvals"
POLICY = "/api/v1/approval-policy"
COLUMNS = ("approval_id", "state", "method", "requester", "decider", "asked", "expires")
STATES = ("pending", "approved", "rejected", "withdrawn", "used")
SHOW = "Shows what was asked for exactly as it is approved, and the command that approves it."
APPROVE = (
    "Approves what somebody else has asked for. DIGEST is what `rampart approval show` says: it stands for what was "
    "shown, to the byte. It takes effect when the one who asked for it runs the same command again."
)
REJECT = "Rejects what somebody else has asked for, or withdraws what one has asked for oneself."
ASK = "Says whether a second person approves who may change members; shows it without an option."


class Approvals(Protocol):
    """What was asked for, of a tenant or of operators."""

    def list(self, state: str, limit: int | None) -> AsyncIterator[Json]:
        """Yields it, the newest first, as the API has it."""
        ...

    async def get(self, approval_id: str) -> Json: ...

    async def grant(self, approval_id: str, digest: str) -> Json: ...

    async def reject(self, approval_id: str) -> Json: ...


Action: TypeAlias = Callable[[Approvals, argparse.Namespace], Coroutine[Any, Any, int]]


class TenantApprovals:
    """Implements `Approvals` with the API."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def list(self, state: str, limit: int | None) -> AsyncIterator[Json]:
        return self._api.pages(PATH, "approvals", {"state": state} if state else {}, limit)

    async def get(self, approval_id: str) -> Json:
        return await self._api.call("GET", _path(approval_id))

    async def grant(self, approval_id: str, digest: str) -> Json:
        return await self._api.call("POST", f"{_path(approval_id)}:approve", {"digest": digest})

    async def reject(self, approval_id: str) -> Json:
        return await self._api.call("POST", f"{_path(approval_id)}:reject", {})


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `approval` command."""
    parser = subparsers.add_parser("approval", help="approve what somebody else has asked for")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="list what was asked for within a day")
    listing.add_argument("--state", choices=STATES, default="", help="only those")
    add_limit(listing)
    _finish(listing, _list)
    for name, words, description, action in (
        ("show", "show what was asked for", SHOW, _show),
        ("approve", "approve it, as a second person", APPROVE, _approve),
        ("reject", "reject it, or withdraw one's own", REJECT, _reject),
    ):
        one = actions.add_parser(name, help=words, description=description)
        one.add_argument("approval", metavar="APPROVAL", help="identifier")
        if name == "approve":
            one.add_argument("digest", metavar="DIGEST", help="what `show` says")
        _finish(one, action)
    policy = actions.add_parser("policy", help="say what needs a second person in the tenant", description=ASK)
    policy.add_argument(
        "--role-changes",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="ask for one; to ask no more needs one",
    )
    policy.add_argument("--tenant", metavar="NAME", help="act as the operator of the platform in this tenant")
    add_output(policy)
    policy.set_defaults(run=lambda arguments: asyncio.run(_policy(arguments)))


def _finish(parser: argparse.ArgumentParser, action: Action) -> None:
    of = parser.add_mutually_exclusive_group()
    of.add_argument("--tenant", metavar="NAME", help="act as the operator of the platform in this tenant")
    of.add_argument("--platform", action="store_true", help="what operators have asked for, by their certificates")
    add_output(parser)
    parser.set_defaults(run=lambda arguments: asyncio.run(_act(action, arguments)))


async def _act(action: Action, arguments: argparse.Namespace) -> int:
    if arguments.platform:
        from console.directory import find_auth  # gRPC takes long to load
        from console.platform_approvals import open_platform_approvals

        async with open_platform_approvals(*find_auth(arguments.home)) as approvals:
            return await action(approvals, arguments)
    async with open_tenant_api(arguments) as api:
        return await action(TenantApprovals(api), arguments)


async def _list(approvals: Approvals, arguments: argparse.Namespace) -> int:
    found = approvals.list(arguments.state, arguments.limit)
    await print_pages(arguments, found, COLUMNS, _row, "approvals")
    return 0


async def _show(approvals: Approvals, arguments: argparse.Namespace) -> int:
    found = await approvals.get(arguments.approval)
    if arguments.json:
        print(json.dumps(found))
        return 0
    call = found.pop("call", "")
    asked = _checked(call, found) if call else {}
    output().print(details(found))
    if asked:
        print(f"\n{_readable(json.dumps(asked['request'], ensure_ascii=False, indent=2))}")
    if asked and found["state"] == "pending":
        option = " --platform" if arguments.platform else f" --tenant {arguments.tenant}" if arguments.tenant else ""
        print(f"\nrampart approval approve {found['approval_id']} {found['digest']}{option}")
    return 0


async def _approve(approvals: Approvals, arguments: argparse.Namespace) -> int:
    granted = await approvals.grant(arguments.approval, arguments.digest)
    return _print_decided(arguments, granted, f"Now {granted['requester']} runs the same command again.")


async def _reject(approvals: Approvals, arguments: argparse.Namespace) -> int:
    return _print_decided(arguments, await approvals.reject(arguments.approval), "")


async def _policy(arguments: argparse.Namespace) -> int:
    async with open_tenant_api(arguments) as api:
        if arguments.role_changes is None:
            policy = await api.call("GET", POLICY)
        else:
            policy = await api.call("PUT", POLICY, {"role_changes": arguments.role_changes}, repeat=False)
    asked = policy.get("role_changes", False)
    print(json.dumps(policy) if arguments.json else f"role changes  {'two people' if asked else 'one person'}")
    return 0


def _checked(call: str, approval: Json) -> Json:
    """Reads what was asked for. Raises CommandFailure unless it is that of the digest, which is what one approves."""
    asked: Json = json.loads(call)
    if (sha256(call.encode()).hexdigest(), asked["method"]) != (approval["digest"], approval["method"]):
        raise CommandFailure("The platform shows another call than that of the digest: approve nothing, and report it.")
    return asked


def _print_decided(arguments: argparse.Namespace, approval: Json, words: str) -> int:
    print(
        json.dumps(approval) if arguments.json else f"{approval['state']} {approval['approval_id']}\n{words}".rstrip()
    )
    return 0


def _row(approval: Json) -> Sequence[str | Text]:
    method = approval["method"].rpartition(".")[2]
    asked, expires = when(approval["create_time"]), when(approval["expire_time"])
    return (
        approval["approval_id"], state_text(approval["state"]), method, approval["requester"],
        approval.get("decider", ""), asked, expires,
    )  # fmt: skip


def _path(approval_id: str) -> str:
    return f"{PATH}/{quote(approval_id, safe='')}"


def _readable(text: str) -> str:
    """Returns a text in which nothing looks like something else: what is not printed stands as its escape."""
    return "".join(each if each.isprintable() or each == "\n" else f"\\u{ord(each):04x}" for each in text)
