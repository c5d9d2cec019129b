"""Leads people through the steps of signing in: password or passkey, second factor, consent."""

from __future__ import annotations

from rampart.auth.v1 import sign_in_pb2 as pb
from rampart.auth.v1 import sign_in_service_pb2 as service
from starlette.responses import Response

from gateway.product.identity.answers import json_answer, shown
from gateway.product.identity.calls import (
    BEGIN_PASSKEY,
    GET_SIGN_IN,
    START_SIGN_IN,
    SUBMIT_CONSENT,
    SUBMIT_FACTOR,
    SUBMIT_PASSWORD,
    IdentityCalls,
)
from gateway.product.identity.failures import busy_words, form_status, retry_headers
from gateway.product.identity.step_pages import Shown, step_page
from gateway.product.identity.steps import onward
from gateway.product.identity.visit import Visit
from meshkit.errors import MeshError

__all__ = ["Attempts"]

_NOTICES = {
    "again": "To change that, show once more that it is you.",
    "out": "You are signed out.",
    "password": "Your password is set. Sign in with it.",
}
_REFUSED = {
    pb.SIGN_IN_STEP_IDENTIFY: "That does not match. Check what you have typed.",
    pb.SIGN_IN_STEP_SECOND_FACTOR: "That is not right, or has been used. Try the next code.",
}
_TOLD = {"PROVIDER_REQUIRED": "Your organisation wants you to use its own sign-in. The button for it is below."}
"""What is said whatever the step is."""
_TYPED = ("SIGN_IN_REFUSED", "SIGN_IN_THROTTLED", "OVERLOADED", "VALIDATION_FAILED")
"""Reasons for which a form is shown once more."""


class Attempts:
    """Shows where attempts stand, and hands on what people give."""

    def __init__(self, calls: IdentityCalls) -> None:
        self._calls = calls

    async def show(self, visit: Visit) -> Response:
        """Shows the page of the step; without an attempt, begins one for the account page."""
        if not visit.attempt:
            return await self.begin(visit, tenant=visit.given.get("tenant", ""))
        state = await self.state(visit)
        if state.step == pb.SIGN_IN_STEP_DONE:
            return onward(visit, state)
        return shown(
            visit, step_page(state, visit.attempt, Shown(told=_NOTICES.get(visit.given.get("notice", ""), "")))
        )

    async def begin(
        self, visit: Visit, *, tenant: str = "", user_code: str = "", again: bool = False, notice: str = ""
    ) -> Response:
        """Begins an attempt for the account page, or for a device. With `again` a session does not do."""
        request = service.StartSignInRequest(
            session=visit.session, tenant=tenant, user_code=user_code, again=again, client_address=visit.address
        )
        answer = await self._calls.send(START_SIGN_IN, request, visit.exchange.call)
        visit.begin(answer.interaction)
        visit.given = {"attempt": answer.interaction.id}
        return onward(visit, answer.sign_in, notice=notice)

    async def submit_password(self, visit: Visit) -> Response:
        """Checks a password."""
        given = visit.given
        request = service.SubmitPasswordRequest(
            interaction=visit.interaction(),
            tenant=given.get("tenant", "").strip(),
            email=given.get("email", "").strip(),
            password=given.get("password", ""),
            client_address=visit.address,
            device=visit.device(),
        )
        before = await self.state(visit)
        try:
            answer = await self._calls.send(SUBMIT_PASSWORD, request, visit.exchange.call)
        except MeshError as error:
            return self.once_more(visit, before, error)
        return onward(visit, answer.sign_in, led_to=before.redirect_uri)

    async def submit_factor(self, visit: Visit) -> Response:
        """Checks a second factor, or a passkey as the first."""
        request = service.SubmitFactorRequest(
            interaction=visit.interaction(), client_address=visit.address, device=visit.device()
        )
        for name in ("passkey", "totp_code", "recovery_code"):
            if visit.given.get(name):
                setattr(request, name, _compact(name, visit.given[name]))
                break
        before = await self.state(visit)
        try:
            answer = await self._calls.send(SUBMIT_FACTOR, request, visit.exchange.call)
        except MeshError as error:
            return self.once_more(visit, before, error)
        return onward(visit, answer.sign_in, led_to=before.redirect_uri)

    async def submit_consent(self, visit: Visit) -> Response:
        """Says whether the client, or the device, gets what it asks for. Anything but the word for it means no."""
        allowed = visit.given.get("answer") == "allow"
        request = service.SubmitConsentRequest(interaction=visit.interaction(), allowed=allowed)
        before = await self.state(visit)
        answer = await self._calls.send(SUBMIT_CONSENT, request, visit.exchange.call)
        return onward(visit, answer.sign_in, led_to=before.redirect_uri, refused=not allowed)

    async def passkey_options(self, visit: Visit) -> Response:
        """Answers the script with what the browser needs to ask for a passkey."""
        request = service.BeginPasskeyRequest(interaction=visit.interaction())
        answer = await self._calls.send(BEGIN_PASSKEY, request, visit.exchange.call)
        return json_answer(visit, {"options": answer.options})

    async def state(self, visit: Visit) -> pb.SignIn:
        """Returns where the attempt of a visit stands. Raises INTERACTION_INVALID."""
        request = service.GetSignInRequest(interaction=visit.interaction())
        return (await self._calls.send(GET_SIGN_IN, request, visit.exchange.call)).sign_in

    def once_more(self, visit: Visit, state: pb.SignIn, error: MeshError, words: str = "") -> Response:
        """Shows the page of a step again, with what is wrong. Raises the error if it is not about what was given."""
        words = words or _TOLD.get(error.reason, "")
        if error.reason not in _TYPED and not words:
            raise error
        exchange, given = visit.exchange, visit.given
        exchange.call.failed(error)
        said = busy_words(error) or words or _REFUSED.get(state.step, "")
        shows = Shown(
            said or "That is not possible.",
            form_status(error),
            tenant=given.get("tenant", ""),
            email=given.get("email", ""),
        )
        return shown(visit, step_page(state, visit.attempt, shows), retry_headers(error))


def _compact(name: str, typed: str) -> str:
    """Returns a code without the spaces that people type as they read them."""
    return typed if name == "passkey" else "".join(typed.split())
