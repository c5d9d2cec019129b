"""`rampart client`: the programs of a tenant that get access tokens."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.api import Api, Json, resource
from console.failure import WrongArgument
from console.program_options import REPLACED, add_grace, add_program, grace
from console.secret_output import add_secret_file, call_for_secret
from console.tables import state_text, when
from console.tasking.action import print_item, print_pages
from console.tasking.options import add_limit, given
from console.tenant_access import finish_in_tenant

if TYPE_CHECKING:
    from argparse import _SubParsersAction

PATH = "/api/v1/clients"
STOP = "to stop a client, disable it"
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
GRANTS = {
    "client_credentials": "client_credentials",
    "authorization_code": "authorization_code",
    "refresh_token": "refresh_token",
    "device_code": "urn:ietf:params:oauth:grant-type:device_code",
}
COLUMNS = ("client_id", "state", "name", "requests/s", "scopes", "created", "rotated")
REVOKE = (
    "Ends the use of a leaked secret. The secrets of the client and all access tokens that it has are refused "
    "everywhere within 5 seconds. It gets no tokens until `rampart client rotate` makes it a new secret."
)
ROTATE = (
    "Replaces the secret of a client and shows the new one, this once. The one before is good for 24 hours more, or "
    "for --grace, so that the program can be given the new one. While two are good there is no third."
)
STATES = {
    "disable": (
        "end the use of a client until it is enabled",
        "Ends the use of a client: it gets no access tokens, and those that it has are refused everywhere within 5 "
        "seconds. `rampart client enable` takes it back.",
    ),
    "enable": (
        "let a client have access tokens again",
        "Lets a client have access tokens again. Those that it had before stay refused.",
    ),
}
DELETE = "Deletes a client for good. Its access tokens are refused everywhere within 5 seconds."


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `client` command."""
    parser = subparsers.add_parser("client", help="manage the programs of a tenant that get access tokens")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="create a client; its secret is shown this once")
    _add_settings(create, new=True)
    add_secret_file(create)
    finish_in_tenant(create, _create)
    listing = actions.add_parser("list", help="list the clients, without their secrets")
    add_limit(listing)
    finish_in_tenant(listing, _list)
    _one(actions, "show", "show a client, without its secret", _show)
    update = _one(actions, "update", "change what is said of a client; what is not named stays as it is", _update)
    _add_settings(update, new=False)
    update.add_argument("--etag", metavar="ETAG", help="only if the client is in this state")
    rotate = _one(
        actions, "rotate", "replace the secret of a client; the one before is good for a while", _rotate, ROTATE
    )
    add_grace(rotate)
    add_secret_file(rotate)
    revoke = _one(actions, "revoke-secret", "end the use of a secret that has leaked", _revoke, REVOKE)
    revoke.add_argument("--previous", action="store_true", help="only the secret before the present one")
    for name, (text, more) in STATES.items():
        _one(actions, name, text, _set_state, more).set_defaults(verb=name)
    _one(actions, "delete", "delete a client for good", _delete, DELETE)


def _one(actions: Any, name: str, text: str, action: Any, more: str | None = None) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=more)
    parser.add_argument("client_id", metavar="CLIENT_ID")
    finish_in_tenant(parser, action)
    return parser


def _add_settings(parser: argparse.ArgumentParser, *, new: bool) -> None:
    def add(name: str, words: str, default: str = "", **options: Any) -> None:
        parser.add_argument(name, help=f"{words} (default {default})" if new and default else words, **options)

    add_program(parser, "client", STOP, new=new)
    several = "may be repeated" if new else REPLACED
    add("--grant-type", several, "client_credentials", dest="grant_types", action="append", choices=GRANTS)
    add("--redirect-uri", several, dest="redirect_uris", action="append", metavar="URL")
    add("--auth", "how it proves itself", METHODS[0], dest="token_endpoint_auth_method", choices=METHODS)
    add("--jwks", "public keys for private_key_jwt, as a JSON Web Key Set", type=Path, metavar="FILE")
    add("--sender-constraint", "what access tokens are bound to", "none", choices=("none", "dpop", "mtls"))


async def _create(api: Api, arguments: argparse.Namespace) -> int:
    await _call_for_secret(api, arguments, PATH, _settings(arguments))
    return 0


async def _list(api: Api, arguments: argparse.Namespace) -> int:
    await print_pages(arguments, api.pages(PATH, "clients", {}, arguments.limit), COLUMNS, _row, "clients")
    return 0


async def _show(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("GET", _path(arguments)))
    return 0


async def _update(api: Api, arguments: argparse.Namespace) -> int:
    wanted = _settings(arguments)
    if not wanted:
        raise WrongArgument("There is nothing to change: name what is to be another.")
    print_item(arguments, await api.call("PATCH", _path(arguments), wanted | given(arguments, ["etag"])))
    return 0


async def _rotate(api: Api, arguments: argparse.Namespace) -> int:
    await _call_for_secret(api, arguments, f"{_path(arguments)}:rotate-secret", grace(arguments))
    return 0


async def _revoke(api: Api, arguments: argparse.Namespace) -> int:
    asked = {"previous_only": arguments.previous}
    print_item(arguments, await api.call("POST", f"{_path(arguments)}:revoke-secret", asked))
    return 0


async def _set_state(api: Api, arguments: argparse.Namespace) -> int:
    print_item(arguments, await api.call("POST", f"{_path(arguments)}:{arguments.verb}", {}))
    return 0


async def _delete(api: Api, arguments: argparse.Namespace) -> int:
    await api.call("DELETE", _path(arguments), repeat=False)
    print_item(arguments, {"client_id": arguments.client_id, "state": "deleted"})
    return 0


async def _call_for_secret(api: Api, arguments: argparse.Namespace, path: str, asked: Json) -> None:
    name = "client_secret"
    await call_for_secret(api, arguments, path, asked, item="client", secret=name, shown_as=name)


def _settings(arguments: argparse.Namespace) -> Json:
    names = ("display_name", "scopes", "rate_limit", "redirect_uris", "token_endpoint_auth_method", "sender_constraint")
    found = given(arguments, names)
    if arguments.grant_types is not None:
        found["grant_types"] = [GRANTS[name] for name in arguments.grant_types]
    if arguments.jwks is not None:
        found["jwks"] = _key_set(arguments.jwks)
    return found


def _key_set(path: Path) -> Json:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise WrongArgument(f"Cannot read a key set from {path}: {error}.") from error
    if not isinstance(found, dict):
        raise WrongArgument(f"{path} holds no JSON Web Key Set.")
    return found


def _row(client: Json) -> tuple[Any, ...]:
    return (
        client["client_id"], state_text("disabled" if client.get("disable_time") else "enabled"),
        client["display_name"], str(client["rate_limit"]), " ".join(client["scopes"]),
        when(client.get("create_time")), when(client.get("rotate_time")),
    )  # fmt: skip


def _path(arguments: argparse.Namespace) -> str:
    return resource(PATH, arguments.client_id)
