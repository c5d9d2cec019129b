"""Lets people set their password by a one-time link: who was invited, and who has forgotten it.

The secret of a link stands in an address once, in that of the first request. From there it goes into a cookie, so that
neither the history of the browser nor what the page leads to gets it.
"""

from __future__ import annotations

import re

from rampart.auth.v1 import sign_in_service_pb2 as service
from starlette.responses import Response

from gateway.product.identity.answers import Page, see_other, shown
from gateway.product.identity.attempts import Attempts
from gateway.product.identity.calls import GET_LINK, USE_LINK, IdentityCalls
from gateway.product.identity.cookies import LINK
from gateway.product.identity.failures import INPUT
from gateway.product.identity.fields import alert, field
from gateway.product.identity.markup import Html
from gateway.product.identity.visit import Visit
from meshkit.errors import Kind, MeshError

__all__ = ["DIFFERENT", "LINK_PATH", "LinkPages", "password_fields", "password_words"]

LINK_PATH = "/link"
RULES = (
    "8 to 256 characters; 15 or more are better, such as four words. Not one that many people use, and nothing with "
    "your name or that of your organisation."
)
_SECONDS = 3600
_SECRET = re.compile(r"[A-Za-z0-9_-]{8,128}")
_PASSWORD = Html(' required minlength="8"')
DIFFERENT = "The two passwords are not the same."


class LinkPages:
    """Exchanges a link for a password."""

    def __init__(self, calls: IdentityCalls, attempts: Attempts) -> None:
        self._calls = calls
        self._attempts = attempts

    async def follow(self, visit: Visit) -> Response:
        """Takes the secret out of the address. Nothing is used up: programs look at links before people do."""
        secret = visit.exchange.scope["path_params"]["secret"]
        if not _SECRET.fullmatch(secret):
            raise link_invalid()
        visit.keep(LINK, secret, _SECONDS)
        return see_other(visit, LINK_PATH)

    async def show(self, visit: Visit) -> Response:
        """Shows whose password the link sets, and the form for it."""
        return shown(visit, _link_page(await self._link(visit)))

    async def submit(self, visit: Visit) -> Response:
        """Sets the password and goes on to sign in with it."""
        link, given = await self._link(visit), visit.given
        password = given.get("password", "")
        if password != given.get("repeated", ""):
            return shown(visit, _link_page(link, DIFFERENT))
        request = service.UseLinkRequest(
            link=visit.cookies[LINK], password=password, client_address=visit.address, device=visit.device()
        )
        try:
            await self._calls.send(USE_LINK, request, visit.exchange.call)
        except MeshError as error:
            if error.reason not in ("PASSWORD_REFUSED", "VALIDATION_FAILED"):
                raise
            visit.exchange.call.failed(error)
            return shown(visit, _link_page(link, password_words(error)))
        visit.drop(LINK)
        return await self._attempts.begin(visit, tenant=link.tenant, again=True, notice="password")

    async def _link(self, visit: Visit) -> service.GetLinkResponse:
        if LINK not in visit.cookies:
            raise link_invalid()
        return await self._calls.send(GET_LINK, service.GetLinkRequest(link=visit.cookies[LINK]), visit.exchange.call)


def password_words(error: MeshError) -> str:
    """Says why a password was refused, as the service tells it."""
    if error.reason == "VALIDATION_FAILED":
        return "That is too long, or empty."
    return f"{error.message[:1].upper()}{error.message[1:]}."


def link_invalid() -> MeshError:
    """Returns the error for a link that is of no use."""
    return MeshError(Kind.NOT_FOUND, "LINK_INVALID", "the link has been used, replaced, or is too old")


def password_fields(*, wrong: bool, focus: bool) -> dict[str, str]:
    """Returns the two fields of a new password."""
    password = field(
        "password",
        "New password",
        kind="password",
        autocomplete="new-password",
        more=_PASSWORD,
        hint=RULES,
        wrong=wrong,
        focus=focus,
    )
    repeated = field(
        "repeated",
        "New password, once more",
        kind="password",
        autocomplete="new-password",
        more=_PASSWORD,
        wrong=wrong,
    )
    return {"password": password, "repeated": repeated}


def _link_page(link: service.GetLinkResponse, wrong: str = "") -> Page:
    invited = link.kind == service.LINK_KIND_INVITATION
    heading = "Welcome" if invited else "Set a new password"
    values: dict[str, str] = {
        "heading": heading,
        "purpose": "You have been invited. Choose a password to come in." if invited else "Choose a new one.",
        "tenant": link.tenant,
        "email": link.email,
        "alert": alert(wrong),
    }
    return Page("link", heading, values | password_fields(wrong=bool(wrong), focus=True), INPUT if wrong else 200)
