"""`rampart login`, `rampart logout` and `rampart whoami`: commands as the person who types them."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import webbrowser
from contextlib import closing
from typing import TYPE_CHECKING, Any

from console.failure import CommandFailure
from console.home import add_home
from console.plain import plain

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from console.signing_in.authorization import Endpoints
    from console.signing_in.login_file import Login

BROWSER_SECONDS = 300.0
SLOWER_BY = 5.0
"""Seconds that RFC 8628, section 3.5, adds to the interval when the server says `slow_down`."""


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the commands."""
    from console.target import base_url

    login = subparsers.add_parser(
        "login", help="sign in, so that commands act as you; the login is kept in a file that only you can read"
    )
    login.add_argument("--base-url", type=base_url, metavar="URL", help="platform (default: the one of `make up`)")
    login.add_argument("--tenant", default="", metavar="NAME", help="tenant; without it the page asks")
    login.add_argument("--device", action="store_true", help="show a code to be typed in a browser on another machine")
    login.add_argument("--no-browser", action="store_true", help="print the address, and let me open it")
    add_home(login)
    login.set_defaults(run=run_login)
    logout = subparsers.add_parser("logout", help="end the login, here and on the platform")
    logout.set_defaults(run=run_logout)
    whoami = subparsers.add_parser("whoami", help="show as whom commands act, and what they may do")
    whoami.add_argument("--json", action="store_true", help="print JSON for scripts")
    whoami.set_defaults(run=run_whoami)


def run_login(arguments: argparse.Namespace) -> int:
    """Signs in and keeps the login, in place of the one before, which ends."""
    asyncio.run(_login(arguments))
    return 0


def run_logout(_: argparse.Namespace) -> int:
    """Ends the login."""
    asyncio.run(_logout())
    return 0


def run_whoami(arguments: argparse.Namespace) -> int:
    """Shows who is signed in."""
    asyncio.run(_whoami(arguments))
    return 0


async def _login(arguments: argparse.Namespace) -> None:
    from console.http import HttpError
    from console.signing_in.authorization import Endpoints, login_of
    from console.signing_in.login_file import LoginFile
    from console.target import Target

    base_url = arguments.base_url or Target.from_home(arguments.home).base_url
    file, endpoints = LoginFile.standard(), await Endpoints.discover(base_url.rstrip("/"))
    try:
        granted = await (_by_device(endpoints) if arguments.device else _by_browser(endpoints, arguments))
    except HttpError as error:
        raise CommandFailure(f"Not signed in: {error}.") from error
    with file.locked():
        former = None
        with contextlib.suppress(CommandFailure):
            former = file.read()
        file.write(login_of(endpoints, granted))
    try:
        await _end(former)
    except (CommandFailure, HttpError) as error:
        print(
            f"The login before was not ended ({str(error).rstrip('.')}): end it on the account page.", file=sys.stderr
        )
    print(f"Signed in to {endpoints.base_url}. Commands act as you until `rampart logout`.")


async def _by_browser(endpoints: Endpoints, arguments: argparse.Namespace) -> dict[str, Any]:
    from console.signing_in.authorization import CodeRequest, ask
    from console.signing_in.callback import waiting_for_browser

    async with waiting_for_browser(endpoints.base_url) as callback:
        request = CodeRequest(callback.redirect_uri)
        callback.state, url = request.state, request.url(endpoints, arguments.tenant)
        print(f"Sign in here: {url}", file=sys.stderr, flush=True)
        if not arguments.no_browser:
            webbrowser.open(url)
        code = await callback.code(BROWSER_SECONDS)
    return await ask(endpoints.token, request.form(code), "Not signed in")


async def _by_device(endpoints: Endpoints) -> dict[str, Any]:
    from console.signing_in.authorization import SCOPE, OAuthRefusal, ask

    new = await ask(endpoints.device, {"scope": SCOPE}, "Not signed in")
    print(f"Open {new['verification_uri']} and type {new['user_code']}", file=sys.stderr, flush=True)
    interval = float(new["interval"])
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": new["device_code"]}
    while True:
        await asyncio.sleep(interval)
        try:
            return await ask(endpoints.token, form, "Not signed in")
        except OAuthRefusal as refusal:
            if refusal.error not in ("authorization_pending", "slow_down"):
                raise
            interval += SLOWER_BY if refusal.error == "slow_down" else 0.0


async def _end(login: Login | None) -> None:
    """Ends a login on its platform. Raises HttpError."""
    from console.signing_in.authorization import ask

    if login is not None:
        await ask(login.revocation_url, {"token": login.refresh_token}, "The platform did not end the login")


async def _logout() -> None:
    from console.http import HttpError
    from console.signing_in.login_file import LoginFile

    file = LoginFile.standard()
    with file.locked():
        login = file.read()
        if login is None:
            print("Nobody is signed in.")
            return
        file.delete()
    try:
        await _end(login)
    except HttpError as error:
        raise CommandFailure(
            f"The login is forgotten here, but goes on at {login.base_url} ({error}): end it on the account page."
        ) from error
    print(f"Signed out of {login.base_url}.")


async def _whoami(arguments: argparse.Namespace) -> None:
    from console.api import Api
    from console.signing_in.login_file import LoginFile
    from console.target import Target

    login = LoginFile.standard().read()
    if login is None:
        raise CommandFailure(
            "Nobody is signed in (`rampart login`): commands act as a client of `make up`, or the one of --client-id."
        )
    with closing(Api(Target.from_login(login))) as api:
        account = await api.call("GET", "/api/v1/account")
    if arguments.json:
        print(json.dumps(account))
        return
    print(plain(f"{account.get('display_name', '')} <{account.get('email', '')}> at {login.base_url}"))
    print(f"subject: {account.get('subject', '')}")
    print(f"tenant: {account.get('tenant', '')} ({account.get('tenant_id', '')})")
    print(f"client: {account.get('client_id', '')}")
    for name in ("roles", "scopes"):
        print(f"{name}: {' '.join(account.get(name, []))}")
