"""Resolves which platform a command talks to over REST, as whom, and with which access token."""

from __future__ import annotations

import argparse
import asyncio
import base64
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from console.failure import CommandFailure, WrongArgument
from console.home import add_home, from_dev
from console.http import HttpClient, HttpError, Origin
from console.signing_in.authorization import CLIENT_ID, renewed
from console.signing_in.login_file import Login, LoginFile

TOKEN_PATH = "/api/v1/oauth/token"
RENEW_AFTER = 0.8
"""Share of a token's lifetime after which it is renewed."""


@dataclass(frozen=True)
class Target:
    """The edge and the credentials of a client."""

    base_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    login: LoginFile | None = None
    """Where the login is kept of the person that commands act as; None for a client that acts for itself."""

    @classmethod
    def from_home(cls, home: Path, client: str = "client") -> Target:
        """Reads what `make up` has written into its state folder. Raises Failure."""

        def read(dev: dict[str, Any]) -> Target:
            one = dev[client]
            return cls(dev["base_url"], dev["token_url"], one["client_id"], one["client_secret"])

        return from_dev(home, read, "start the platform with `make up`, or give --base-url")

    @classmethod
    def from_login(cls, login: Login) -> Target:
        """Acts as the person who has signed in."""
        return cls(login.base_url, login.token_url, CLIENT_ID, "", LoginFile.standard())

    @classmethod
    def from_arguments(cls, base_url: str, client_id: str, secret_file: Path) -> Target:
        """Takes the secret from a file, so that it shows in no list of processes. Raises Failure."""
        try:
            secret = secret_file.read_text().strip()
        except OSError as error:
            raise CommandFailure(f"Cannot read the client secret from {secret_file} ({error.strerror}).") from error
        except UnicodeDecodeError:
            raise CommandFailure(f"Cannot read the client secret from {secret_file}: it is no text in UTF-8.") from None
        base_url = base_url.rstrip("/")
        return cls(base_url, base_url + TOKEN_PATH, client_id, secret)


def add_target(parser: argparse.ArgumentParser) -> None:
    """Adds the options that choose a platform and a client of it."""
    add_home(parser)
    parser.add_argument(
        "--base-url", type=base_url, metavar="URL", help="another platform; needs the two options below"
    )
    parser.add_argument("--client-id", metavar="ID")
    parser.add_argument("--client-secret-file", type=Path, metavar="FILE")


def chosen_target(arguments: argparse.Namespace) -> Target:
    """Returns what the options of `add_target` say. Raises CommandFailure if they do not say which platform.

    Without a client commands act as the person who has signed in, and without a login as the client of `make up`.
    """
    if arguments.client_id is None and arguments.client_secret_file is None:
        login = LoginFile.standard().read()
        if login is not None and arguments.base_url in (None, login.base_url):
            return Target.from_login(login)
    if arguments.base_url is None:
        return Target.from_home(arguments.home)
    if arguments.client_id is None or arguments.client_secret_file is None:
        raise WrongArgument("--base-url needs --client-id and --client-secret-file, or a login there: `rampart login`.")
    return Target.from_arguments(arguments.base_url, arguments.client_id, arguments.client_secret_file)


def base_url(text: str) -> str:
    """Reads the address of a platform from an argument. Raises ArgumentTypeError."""
    try:
        parts = urlsplit(text)
        Origin.parse(text)
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError
    except ValueError:
        wanted = "an http or https address without user, query and fragment, such as https://api.example.com"
        raise argparse.ArgumentTypeError(f"must be {wanted}, not {text!r}") from None
    return text


class TokenSource(Protocol):
    """Has an access token, renewed as often as it must be."""

    async def token(self) -> str:
        """Returns a token. Raises HttpError if it cannot be had now, CommandFailure if it is refused."""
        ...

    def reject(self, token: str) -> None:
        """Forgets a token that was refused."""
        ...

    def expire(self) -> None:
        """Forgets the token: the next is a new one."""
        ...

    def close(self) -> None: ...


class AccessTokens:
    """Holds one access token, renews it before it expires, and asks once however many requests are waiting."""

    def __init__(self, target: Target) -> None:
        self._login = target.login
        place = urlsplit(target.token_url)
        self._path = place.path
        self._client = HttpClient(urlunsplit((place.scheme, place.netloc, "", "", "")), connections=1)
        pair = f"{quote(target.client_id, safe='')}:{quote(target.client_secret, safe='')}"
        self._headers = [
            ("authorization", "Basic " + base64.b64encode(pair.encode()).decode()),
            ("content-type", "application/x-www-form-urlencoded"),
        ]
        self._lock = asyncio.Lock()
        self._token = ""
        self._renew_at = 0.0
        self._refused = ""

    async def token(self) -> str:
        """Returns a token. Raises HttpError if the edge cannot say, Failure if it refuses the credentials."""
        if time.monotonic() >= self._renew_at:
            async with self._lock:
                if time.monotonic() >= self._renew_at:
                    await self._renew()
        return self._token

    def reject(self, token: str) -> None:
        """Forgets a token that was refused."""
        if token == self._token:
            self._renew_at = 0.0
            self._refused = token

    def expire(self) -> None:
        """Forgets the token: the next is a new one."""
        self._renew_at = 0.0

    def close(self) -> None:
        self._client.close()

    async def _renew(self) -> None:
        if self._login is not None:
            login = await renewed(self._login, self._refused)
            self._token, self._renew_at = login.access_token, time.monotonic() + login.expires_at - time.time()
            return
        asked_at = time.monotonic()
        answer = await self._client.request(
            "POST", self._path, headers=self._headers, body=b"grant_type=client_credentials"
        )
        if answer.status in (400, 401, 403):
            said = answer.json().get("error", answer.status)
            raise CommandFailure(f"The platform refuses the client credentials ({said}).")
        body = answer.json() if answer.status == 200 else {}
        if "access_token" not in body:
            raise HttpError(f"the token endpoint answered {answer.status}")
        self._token = body["access_token"]
        self._renew_at = asked_at + float(body.get("expires_in", 60)) * RENEW_AFTER
