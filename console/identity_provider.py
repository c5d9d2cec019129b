"""`rampart identity-provider`: the OpenID provider of a tenant's own, by which its people sign in."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from console.api import Api
from console.failure import CommandFailure
from console.tasking.action import print_item
from console.tenant_access import finish_in_tenant

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/identity-provider"
METHODS = ("client_secret_basic", "client_secret_post")
ROLES = ("admin", "analyst", "developer", "viewer")
SET = (
    "Sets the provider, whole: what is not named is as if it had never been set, save the secret, which stays if "
    "ISSUER and CLIENT_ID do. The provider must be reachable, and know the redirect URI that this prints. With another "
    "ISSUER or CLIENT_ID nobody is linked to an account there any more."
)
REMOVE = "Removes the provider, with all links of people to accounts there. Nobody signs in by it any more."


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `identity-provider` command."""
    parser = subparsers.add_parser("identity-provider", help="manage the OpenID provider of a tenant's own")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    finish_in_tenant(actions.add_parser("show", help="show the provider, without its secret"), _show)
    setting = actions.add_parser("set", help="set the provider", description=SET)
    _add_settings(setting)
    finish_in_tenant(setting, _set)
    finish_in_tenant(actions.add_parser("remove", help="remove the provider", description=REMOVE), _remove)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("issuer", metavar="ISSUER", help="URL as the provider's discovery document writes it")
    add("name_there", metavar="CLIENT_ID", help="what the provider knows the platform as")
    add("--secret-from", type=Path, metavar="FILE", help="file that holds the secret for it")
    add("--auth", choices=METHODS, default=METHODS[0], help="how the secret is shown (default %(default)s)")
    add("--name", default="", help="on the button of the sign-in page (default: the issuer's host)")
    add("--domain", dest="domains", action="append", default=[], help="of addresses it may vouch for; may be repeated")
    add("--role", dest="roles", action="append", default=[], choices=ROLES, help="of who comes uninvited; repeatable")
    add("--trust-email", action="store_true", help="take addresses as verified of which it does not say so")
    add("--trust-second-factor", action="store_true", help="count second factors that it says it has checked")
    add("--required", action="store_true", help="let people other than owners sign in by it alone")


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("GET", PATH))
    return 0


async def _set(api: Api, arguments: argparse.Namespace) -> int:
    body = {
        "issuer": arguments.issuer,
        "client_id": arguments.name_there,
        "client_secret": _secret(arguments.secret_from),
        "token_endpoint_auth_method": arguments.auth,
        "display_name": arguments.name,
        "domains": arguments.domains,
        "roles": arguments.roles,
        "email_trusted": arguments.trust_email,
        "second_factor_trusted": arguments.trust_second_factor,
        "required": arguments.required,
    }
    print_item(arguments, await api.call("PUT", PATH, body))
    return 0


async def _remove(api: Api, arguments: argparse.Namespace) -> int:
    answer = await api.call("DELETE", PATH)
    print(json.dumps(answer) if arguments.json else "removed the provider")
    return 0


def _secret(file: Path | None) -> str:
    """Reads the secret, which is in no argument: those are seen by everybody on the machine."""
    if file is None:
        return ""
    try:
        secret = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailure(f"Cannot read {file} ({type(error).__name__}).") from error
    if not secret:
        raise CommandFailure(f"There is no secret in {file}.")
    return secret
