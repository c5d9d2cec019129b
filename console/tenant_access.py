"""Opens the API for what is done in a tenant: as a client of it, or as the operator in any tenant."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from console.api import Api, open_api
from console.target import Target, TokenSource
from console.tasking.action import Action
from console.tasking.options import add_output

__all__ = ["finish_in_tenant", "open_tenant_api"]

EARLY_SECONDS = 30.0
"""By which a token is renewed before it expires."""


class OperatorTokens:
    """Implements `TokenSource` with tokens that the operator's certificate is good for."""

    def __init__(self, home: Path, tenant: str) -> None:
        self._home = home
        self._tenant = tenant
        self._token = ""
        self._renew_at = 0.0

    async def token(self) -> str:
        """Returns a token. Raises CommandFailure if auth refuses or does not answer."""
        if time.monotonic() >= self._renew_at:
            await self._renew()
        return self._token

    def reject(self, token: str) -> None:
        if token == self._token:
            self._renew_at = 0.0

    def expire(self) -> None:
        self._renew_at = 0.0

    def close(self) -> None:
        """Has nothing open between two tokens."""

    async def _renew(self) -> None:
        from console.directory import find_auth, open_directory  # gRPC takes long to load

        asked_at = time.monotonic()
        async with open_directory(*find_auth(self._home)) as directory:
            issued = await directory.token(self._tenant)
        self._token = issued.access_token
        self._renew_at = asked_at + issued.expires_in - EARLY_SECONDS


def finish_in_tenant(parser: argparse.ArgumentParser, action: Action) -> None:
    """Adds the options that every action in a tenant has, and makes the parser run it."""
    parser.add_argument(
        "--tenant", metavar="NAME", help="act as the operator of the platform in this tenant, by its certificate"
    )
    add_output(parser)
    parser.set_defaults(run=lambda arguments: asyncio.run(_act(action, arguments)))


@contextlib.asynccontextmanager
async def open_tenant_api(arguments: argparse.Namespace) -> AsyncIterator[Api]:
    """Opens the API as the operator in the tenant that is named, else as the client of the options.

    Raises CommandFailure.
    """
    if arguments.tenant is None:
        async with open_api(arguments) as api:
            yield api
        return
    tokens: TokenSource = OperatorTokens(arguments.home, arguments.tenant)
    with contextlib.closing(Api(_edge(arguments), tokens)) as api:
        yield api


def _edge(arguments: argparse.Namespace) -> Target:
    """Returns where the API is; whose credentials stand beside it does not matter."""
    if arguments.base_url is not None:
        return Target(arguments.base_url.rstrip("/"), "", "", "")
    return Target.from_home(arguments.home)


async def _act(action: Action, arguments: argparse.Namespace) -> int:
    async with open_tenant_api(arguments) as api:
        return await action(api, arguments)
