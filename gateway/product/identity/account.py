"""Lets people look at their account, change their password, and sign out."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from google.protobuf.message import Message
from rampart.auth.v1 import account_service_pb2 as pb
from rampart.auth.v1 import session_service_pb2
from rampart.auth.v1 import sign_in_service_pb2 as sign_in
from starlette.responses import Response

from gateway.product.identity.account_page import Shows, Told, account_page, codes_page
from gateway.product.identity.answers import form_parts, see_other, shown
from gateway.product.identity.attempts import Attempts
from gateway.product.identity.calls import (
    CHANGE_PASSWORD,
    CREATE_RECOVERY_CODES,
    DELETE_CONSENT,
    END_SESSION,
    GET_ACCOUNT,
    LIST_CONSENTS,
    LIST_PASSKEYS,
    LIST_SESSIONS,
    SIGN_OUT,
    AnswerT,
    IdentityCalls,
    Rpc,
)
from gateway.product.identity.cookies import SESSION
from gateway.product.identity.failures import busy_words, form_status, retry_headers
from gateway.product.identity.link import DIFFERENT, password_words
from gateway.product.identity.person import Person
from gateway.product.identity.steps import ACCOUNT, SIGN_IN
from gateway.product.identity.visit import Visit
from meshkit.errors import MeshError

__all__ = ["AccountPages", "changed", "done", "refusal", "refused", "show_account"]

_REFUSED = "That is not right."
_AS_TOLD = ("RESOURCE_EXISTS", "RESOURCE_NOT_FOUND", "STATE_NOT_ALLOWED")
_OF_PASSWORDS = ("PASSWORD_REFUSED", "VALIDATION_FAILED")


class AccountPages:
    """Shows an account, and changes what needs no ceremony."""

    def __init__(self, calls: IdentityCalls, attempts: Attempts) -> None:
        self._calls = calls
        self._attempts = attempts

    async def show(self, person: Person) -> Response:
        """Shows the account."""
        return await show_account(person, Told(done=person.visit.given.get("done", "")))

    async def change_password(self, person: Person) -> Response:
        """Changes the password. That ends all sessions, this one as well."""
        given = person.visit.given
        if given.get("password", "") != given.get("repeated", ""):
            return await show_account(person, Told(wrong=DIFFERENT, place="password"))
        request = pb.ChangePasswordRequest(old_password=given.get("old", ""), new_password=given.get("password", ""))
        try:
            await person.ask(CHANGE_PASSWORD, request)
        except MeshError as error:
            return await refused(person, error, "password")
        person.visit.drop(SESSION)
        return await self._attempts.begin(person.visit, again=True, notice="password")

    async def new_codes(self, person: Person) -> Response:
        """Makes new recovery codes and shows them, in this answer alone."""
        made = await person.ask(CREATE_RECOVERY_CODES, pb.CreateRecoveryCodesRequest())
        return shown(person.visit, codes_page(made.codes))

    async def end_session(self, person: Person) -> Response:
        """Ends another browser or a program. Who ends the present one is signed out."""
        request = session_service_pb2.EndSessionRequest(session_id=person.visit.given.get("id", ""))
        return await changed(person, END_SESSION, request, "ended")

    async def withdraw(self, person: Person) -> Response:
        """Takes back what a program was let do."""
        request = session_service_pb2.DeleteConsentRequest(client_id=person.visit.given.get("client", ""))
        return await changed(person, DELETE_CONSENT, request, "consent")

    async def sign_out(self, visit: Visit) -> Response:
        """Ends the session, or all sessions and grants of its person. Without a session there is nothing to end."""
        everywhere = visit.given.get("everywhere") == "yes"
        request = sign_in.SignOutRequest(session=visit.session, everywhere=everywhere)
        if visit.session:
            await self._calls.send(SIGN_OUT, request, visit.exchange.call)
        visit.drop(SESSION)
        return await self._attempts.begin(visit, notice="out")


async def changed(person: Person, rpc: Rpc[AnswerT], request: Message, name: str, place: str = "") -> Response:
    """Asks for a change and goes back as `done` does, or shows the account with why it was refused, at a place."""
    try:
        await person.ask(rpc, request)
    except MeshError as error:
        return await refused(person, error, place)
    return done(person.visit, name)


def done(visit: Visit, name: str) -> Response:
    """Goes back to the account page and tells what has been done, or to the attempt for which it was."""
    if visit.attempt:
        return see_other(visit, f"{SIGN_IN}?{urlencode({'attempt': visit.attempt})}")
    return see_other(visit, f"{ACCOUNT}?done={name}")


async def show_account(person: Person, told: Told = Told(), error: MeshError | None = None) -> Response:
    """Shows the account of a person, with what is to be told."""
    account, passkeys, sessions, consents = await asyncio.gather(
        person.ask(GET_ACCOUNT, pb.GetAccountRequest()),
        person.ask(LIST_PASSKEYS, pb.ListPasskeysRequest()),
        person.ask(LIST_SESSIONS, session_service_pb2.ListSessionsRequest()),
        person.ask(LIST_CONSENTS, session_service_pb2.ListConsentsRequest()),
    )
    shows = Shows(account.account, passkeys.passkeys, sessions.sessions, consents.consents, person.visit.attempt)
    page = account_page(form_parts(person.visit), shows, told)
    return shown(person.visit, page, retry_headers(error) if error is not None else None)


async def refused(person: Person, error: MeshError, place: str = "") -> Response:
    """Shows the account with why something was refused. Raises the error if it is not about what was given."""
    person.visit.exchange.call.failed(error)
    told = Told(wrong=refusal(error), place=place, status=form_status(error))
    return await show_account(person, told, error)


def refusal(error: MeshError) -> str:
    """Says why what was given is refused. Raises the error if it is about something else."""
    if words := busy_words(error):
        return words
    if error.reason == "SIGN_IN_REFUSED":
        return _REFUSED
    if error.reason in _OF_PASSWORDS:
        return password_words(error)
    if error.reason in _AS_TOLD:
        return f"{error.message[:1].upper()}{error.message[1:]}."
    raise error
