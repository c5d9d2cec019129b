"""Asks an authorization server for tokens as the command line: by code, for a device, and by refresh tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from console.failure import CommandFailure
from console.http import HttpClient, HttpError, Response
from console.signing_in.login_file import Login, LoginFile

__all__ = ["CLIENT_ID", "CodeRequest", "Endpoints", "OAuthRefusal", "ask", "login_of", "renewed"]

CLIENT_ID = "rampart-cli"
SCOPE = "openid profile offline_access"
"""With no other scopes named, a client of the platform gets all that the person has."""
RENEW_AFTER = 0.8
"""Share of a token's lifetime after which it is renewed."""
METADATA = "/.well-known/oauth-authorization-server"


class OAuthRefusal(CommandFailure):
    """The server refuses, in the words of the RFCs."""

    def __init__(self, error: str, description: str, what: str) -> None:
        super().__init__(f"{what}: {description or error}.")
        self.error = error


@dataclass(frozen=True)
class Endpoints:
    """Where the authorization server of a platform is asked."""

    base_url: str
    """Also the issuer."""
    authorization: str
    token: str
    device: str
    revocation: str

    @classmethod
    async def discover(cls, base_url: str) -> Endpoints:
        """Asks the platform (RFC 8414). Raises CommandFailure, also if the answer is about somebody else."""
        client = HttpClient(base_url, connections=1)
        try:
            response = await client.request("GET", METADATA)
        except HttpError as error:
            raise CommandFailure(f"Cannot ask {base_url}: {error}.") from error
        finally:
            client.close()
        if response.status != 200:
            raise CommandFailure(
                f"{base_url} does not say where to sign in (HTTP {response.status}): RAMPART_ISSUER must be its URL."
            )
        found = response.json()
        if found.get("issuer") != base_url:
            raise CommandFailure(f"{base_url} describes another issuer: nobody should sign in there.")
        try:
            return cls(
                base_url,
                authorization=str(found["authorization_endpoint"]),
                token=str(found["token_endpoint"]),
                device=str(found["device_authorization_endpoint"]),
                revocation=str(found["revocation_endpoint"]),
            )
        except KeyError as error:
            raise CommandFailure(f"{base_url} does not say its {error.args[0]}.") from None


@dataclass(frozen=True)
class CodeRequest:
    """One authorization request (RFC 6749, section 4.1.1) with what only we know of it (RFC 7636)."""

    redirect_uri: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def url(self, endpoints: Endpoints, tenant: str) -> str:
        """Returns the address that a browser opens."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": self.redirect_uri,
            "scope": SCOPE,
            "state": self.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | ({"tenant": tenant} if tenant else {})
        return f"{endpoints.authorization}?{urlencode(asked)}"

    def form(self, code: str) -> dict[str, str]:
        """Returns what redeems the code."""
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }


async def ask(url: str, form: Mapping[str, str], what: str) -> dict[str, Any]:
    """Posts a form as the command line and returns the answer. Raises OAuthRefusal and HttpError."""
    parts = urlsplit(url)
    client = HttpClient(urlunsplit((parts.scheme, parts.netloc, "", "", "")), connections=1)
    headers = [("content-type", "application/x-www-form-urlencoded")]
    body = urlencode({"client_id": CLIENT_ID} | dict(form)).encode()
    try:
        response = await client.request("POST", parts.path, headers=headers, body=body)
    finally:
        client.close()
    if response.status != 200:
        raise _refusal(response, what)
    answer: dict[str, Any] = json.loads(response.body) if response.body else {}
    return answer


def login_of(endpoints: Endpoints, granted: Mapping[str, Any]) -> Login:
    """Returns the login that tokens make. Raises CommandFailure if there is no refresh token among them."""
    if "refresh_token" not in granted:
        raise CommandFailure("The platform gives no refresh token to the command line.")
    return Login(
        endpoints.base_url,
        endpoints.token,
        endpoints.revocation,
        granted["access_token"],
        _renewal(granted),
        granted["refresh_token"],
    )


async def renewed(file: LoginFile, refused: str = "") -> Login:
    """Returns the login with an access token that is good and not the one that was refused.

    Raises HttpError if the platform cannot be asked, CommandFailure if it refuses: the login is forgotten then.
    """
    with file.locked():
        login = file.read()
        if login is None:
            raise CommandFailure("Nobody is signed in: `rampart login`.")
        if time.time() < login.expires_at and login.access_token != refused:
            # Another command has renewed it meanwhile.
            return login
        form = {"grant_type": "refresh_token", "refresh_token": login.refresh_token}
        try:
            granted = await ask(login.token_url, form, "The login is over, sign in again with `rampart login`")
        except OAuthRefusal as refusal:
            if refusal.error == "invalid_grant":
                file.delete()
            raise
        login = replace(
            login,
            access_token=granted["access_token"],
            expires_at=_renewal(granted),
            refresh_token=granted["refresh_token"],
        )
        file.write(login)
        return login


def _renewal(granted: Mapping[str, Any]) -> float:
    return time.time() + float(granted.get("expires_in", 60)) * RENEW_AFTER


def _refusal(response: Response, what: str) -> CommandFailure:
    try:
        said = response.json()
        return OAuthRefusal(str(said["error"]), str(said.get("error_description", "")), what)
    except (KeyError, TypeError, ValueError):
        return CommandFailure(f"{what}: HTTP {response.status}.")
