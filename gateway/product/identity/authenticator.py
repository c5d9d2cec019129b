"""Turns on and off the one-time passwords of an authenticator app (RFC 6238)."""

from __future__ import annotations

import asyncio
import re

from rampart.auth.v1 import account_service_pb2 as pb
from starlette.responses import Response

from gateway.product.identity.account import changed, done, refusal, refused
from gateway.product.identity.account_page import totp_page
from gateway.product.identity.answers import shown
from gateway.product.identity.calls import CONFIRM_TOTP, DELETE_TOTP, START_TOTP
from gateway.product.identity.failures import form_status, retry_headers
from gateway.product.identity.person import Person
from gateway.product.identity.qr import qr_code
from meshkit.errors import MeshError

__all__ = ["AuthenticatorPages"]

_SECRET = re.compile(r"[A-Z2-7]{16,128}")
_URI = re.compile(r"otpauth://totp/[!-~]{1,500}")


class AuthenticatorPages:
    """Shows a new secret, as text and as an image, until a code of it has come."""

    async def start(self, person: Person) -> Response:
        """Makes a secret and shows it, in answers to forms alone."""
        made = await person.ask(START_TOTP, pb.StartTotpRequest())
        return await self._show(person, made.secret, made.otpauth_uri)

    async def confirm(self, person: Person) -> Response:
        """Turns it on by a code. After a wrong one the same secret is shown, which the form has brought along."""
        given = person.visit.given
        code = "".join(given.get("code", "").split())
        try:
            await person.ask(CONFIRM_TOTP, pb.ConfirmTotpRequest(code=code))
        except MeshError as error:
            secret, uri = given.get("secret", ""), given.get("uri", "")
            if error.reason == "STATE_NOT_ALLOWED" or not (_SECRET.fullmatch(secret) and _URI.fullmatch(uri)):
                return await refused(person, error)
            return await self._show(person, secret, uri, error)
        return done(person.visit, "totp-on")

    async def remove(self, person: Person) -> Response:
        """Turns it off."""
        return await changed(person, DELETE_TOTP, pb.DeleteTotpRequest(), "totp-off")

    async def _show(self, person: Person, secret: str, uri: str, error: MeshError | None = None) -> Response:
        # It takes ten milliseconds, which calls of others would wait for.
        image = await asyncio.to_thread(qr_code, uri)
        if error is None:
            return shown(person.visit, totp_page(image, secret, uri))
        person.visit.exchange.call.failed(error)
        page = totp_page(image, secret, uri, refusal(error), form_status(error))
        return shown(person.visit, page, retry_headers(error))
