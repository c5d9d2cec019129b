"""One request of a browser for a page: what it brings along, and what it is to keep."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from rampart.auth.v1 import sign_in_pb2

from gateway.edge.exchange import Exchange
from gateway.product.identity.cookies import (
    ATTEMPT,
    ATTEMPT_SECONDS,
    DEVICE,
    DEVICE_SECONDS,
    FORM,
    SESSION,
    attempts,
    dropped,
    kept,
    read_cookies,
)
from gateway.product.identity.forgery import form_token, same_token
from meshkit.errors import Kind, MeshError

__all__ = ["Visit", "attempt_over"]

_MOST_ATTEMPTS = 8
"""At once in one browser. More would fill up its requests' headers."""


@dataclass(slots=True)
class Visit:
    """What a page goes by. `given` holds the parameters of a GET, or the fields of a form."""

    exchange: Exchange
    given: Mapping[str, str]
    cookies: dict[str, str] = field(init=False)
    set_cookies: dict[str, str] = field(default_factory=dict)
    """`Set-Cookie` of the answer, by the names of the cookies."""

    def __post_init__(self) -> None:
        self.cookies = read_cookies(self.exchange.headers.get(b"cookie", b""))

    @property
    def session(self) -> str:
        """Secret of the session; empty for nobody's."""
        return self.cookies.get(SESSION, "")

    @property
    def address(self) -> str:
        """Address of the browser as limits know it."""
        return self.exchange.client_address or ""

    @property
    def attempt(self) -> str:
        """Identifier of the attempt that the page is about; empty for none."""
        return self.given.get("attempt", "")

    def interaction(self, identifier: str = "") -> sign_in_pb2.Interaction:
        """Returns the attempt, with the secret that this browser has of it. Raises INTERACTION_INVALID without one."""
        name = identifier or self.attempt
        secret = self.cookies.get(ATTEMPT + name, "")
        if not secret:
            raise attempt_over()
        return sign_in_pb2.Interaction(id=name, secret=secret)

    def begin(self, interaction: sign_in_pb2.Interaction) -> None:
        """Makes the browser keep the secret of an attempt, and forget the oldest of too many."""
        under_way = attempts(self.cookies)
        for name in under_way[: max(0, len(under_way) + 1 - _MOST_ATTEMPTS)]:
            self.drop(name)
        self.keep(ATTEMPT + interaction.id, interaction.secret, ATTEMPT_SECONDS)

    def keep(self, name: str, value: str, seconds: int | None = None) -> None:
        """Makes the browser keep a cookie; without `seconds` until it is closed."""
        self.cookies[name] = value
        self.set_cookies[name] = kept(name, value, seconds)

    def drop(self, name: str) -> None:
        """Makes the browser forget a cookie."""
        self.cookies.pop(name, None)
        self.set_cookies[name] = dropped(name)

    def device(self) -> str:
        """Returns the secret by which the browser is known again. It gets one, and keeps it for longer each time."""
        self.keep(DEVICE, self.cookies.get(DEVICE) or secrets.token_urlsafe(32), DEVICE_SECONDS)
        return self.cookies[DEVICE]

    def form_token(self) -> str:
        """Returns the token for the forms of the page. A browser that has no secret for them gets one."""
        if FORM not in self.cookies:
            self.keep(FORM, secrets.token_urlsafe(32))
        return form_token(self.cookies[FORM], self.session)

    def holds_form_token(self) -> bool:
        """Tells whether the form that came is one of a page that this browser was shown."""
        return same_token(self.given.get("form", ""), self.cookies.get(FORM, ""), self.session)


def attempt_over() -> MeshError:
    """Returns the error for an attempt that is unknown, over, or of another browser."""
    return MeshError(Kind.NOT_FOUND, "INTERACTION_INVALID", "this sign-in is over, or was begun in another browser")
