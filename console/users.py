"""`rampart user`: the people of a tenant, who sign in to it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.api import Api, Json, resource
from console.failure import CommandFailure
from console.tables import output, when
from console.tasking.action import print_item, print_pages
from console.tasking.options import add_limit
from console.tasking.tables import details
from console.tenant_access import finish_in_tenant

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/members"
COLUMNS = ("member_id", "e-mail", "name", "roles", "state", "invited", "last sign-in")
ROLES = ("owner", "admin", "analyst", "developer", "viewer")
STATES = ("invited", "active", "disabled")
INVITE = (
    "Invites a person and prints a link, this once, with which he sets his password within seven days: pass it on in a "
    "way that reaches nobody else. Nobody can give a role that may do more than himself."
)
RESET = (
    "Prints a link, this once, with which a person sets a new password within an hour, or comes in who has not used "
    "the invitation. Links made before are good no longer. Using it ends all sessions of the person."
)
DISABLE = "Keeps a person from signing in, and ends all that he has open, within 5 seconds."
DELETE = "Deletes a person: name, address and all that he signs in with are erased. The audit log keeps the identifier."
UNLINK = (
    "Forgets which account at the tenant's own OpenID provider is a person's: the next one there with the person's "
    "address is. For who was given another account."
)
SIMPLE = (
    ("show", "show a person", ""),
    ("disable", "keep a person from signing in", DISABLE),
    ("enable", "let a person sign in again", ""),
    ("reset", "make a link with which a person sets a new password", RESET),
    ("sign-out", "end all sessions, grants and tokens of a person", ""),
    ("unlink", "forget which account at the tenant's own provider is a person's", UNLINK),
    ("delete", "delete a person", DELETE),
)


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `user` command."""
    parser = subparsers.add_parser("user", help="manage the people of a tenant, who sign in to it")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    invite = actions.add_parser("invite", help="invite a person", description=INVITE)
    invite.add_argument("email", metavar="EMAIL", help="address of the person; one person has it in a tenant")
    invite.add_argument("--name", default="", help="to be read by people")
    invite.add_argument("--role", dest="roles", action="append", required=True, choices=ROLES, help="may be repeated")
    finish_in_tenant(invite, _invite)
    listing = actions.add_parser("list", help="list the people of a tenant")
    listing.add_argument("--state", choices=STATES, help="only those")
    add_limit(listing)
    finish_in_tenant(listing, _list)
    runs = {"show": _show, "reset": _reset, "sign-out": _sign_out, "unlink": _unlink, "delete": _delete}
    for name, text, description in SIMPLE:
        one = _one(actions.add_parser(name, help=text, description=description or text))
        one.set_defaults(verb=name)
        finish_in_tenant(one, runs.get(name, _set_state))
    role = _one(actions.add_parser("role", help="say what a person is in the tenant, instead of what he was"))
    role.add_argument("roles", nargs="+", choices=ROLES, metavar="ROLE", help=", ".join(ROLES))
    finish_in_tenant(role, _role)


def _one(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("member", metavar="PERSON", help="identifier or e-mail address")
    return parser


async def _invite(api: Api, arguments: argparse.Namespace) -> int:
    body = {"email": arguments.email, "display_name": arguments.name, "roles": arguments.roles}
    # Not sent again: a second invitation would be refused, and the link of the first be lost.
    answer = await api.call("POST", PATH, body, repeat=False)
    _hand_over(api, arguments, answer)
    return 0


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    query = {"state": arguments.state} if arguments.state else {}
    await print_pages(arguments, api.pages(PATH, "members", query, arguments.limit), COLUMNS, _row, "people")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("GET", await _path(api, arguments)))
    return 0


async def _role(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("PATCH", await _path(api, arguments), {"roles": arguments.roles}))
    return 0


async def _set_state(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("POST", f"{await _path(api, arguments)}:{arguments.verb}", {}))
    return 0


async def _reset(api: Api, arguments: argparse.Namespace) -> int:
    _hand_over(api, arguments, await api.call("POST", f"{await _path(api, arguments)}:reset", {}))
    return 0


async def _sign_out(api: Api, arguments: argparse.Namespace) -> int:
    answer = await api.call("POST", f"{await _path(api, arguments)}:end-sessions", {})
    print(json.dumps(answer) if arguments.json else f"signed out {arguments.member}")
    return 0


async def _unlink(api: Api, arguments: argparse.Namespace) -> int:
    answer = await api.call("POST", f"{await _path(api, arguments)}:unlink", {})
    print(json.dumps(answer) if arguments.json else f"unlinked {arguments.member}")
    return 0


async def _delete(api: Api, arguments: argparse.Namespace) -> int:
    answer = await api.call("DELETE", await _path(api, arguments))
    print(json.dumps(answer) if arguments.json else f"deleted {arguments.member}")
    return 0


async def _path(api: Api, arguments: argparse.Namespace) -> str:
    """Returns the path of the person, whom an address names as well. Addresses are in no path: those are logged."""
    given = arguments.member
    if "@" not in given:
        return resource(PATH, given)
    async for member in api.pages(PATH, "members", {}, None):
        if member["email"].casefold() == given.casefold():
            return f"{PATH}/{member['member_id']}"
    raise CommandFailure(f"The tenant has nobody with the address {given}.")


def _hand_over(api: Api, arguments: argparse.Namespace, answer: Json) -> None:
    """Prints what was made, and the link if it was not sent to the person."""
    link = answer.get("link")
    address = api.address(link["path"]) if link else ""
    if arguments.json:
        print(json.dumps(answer | ({"address": address} if address else {})))
        return
    if "member" in answer:
        output().print(details(answer["member"]))
    if link:
        # On a line of its own, whole however narrow the terminal is.
        print(f"link (shown this once, good until {when(link['expire_time'])}):\n{address}")
    else:
        print("The link was sent to the person.")


def _row(member: Json) -> Sequence[str]:
    roles = " ".join(member["roles"])
    name, signed_in = member["display_name"], when(member.get("sign_in_time"))
    return (
        member["member_id"], member["email"], name, roles, member["state"], when(member["create_time"]), signed_in
    )  # fmt: skip
