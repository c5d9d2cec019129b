"""Knows who is signed in at the account page, and asks on that person's behalf."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from google.protobuf.message import Message
from rampart.auth.v1 import sign_in_service_pb2 as service
from starlette.responses import Response

from gateway.product.identity.attempts import Attempts
from gateway.product.identity.calls import OPEN_SESSION, AnswerT, IdentityCalls, Rpc
from gateway.product.identity.cookies import SESSION
from gateway.product.identity.door import Handler
from gateway.product.identity.visit import Visit
from meshkit.errors import MeshError

__all__ = ["OfPerson", "Person", "SignedInPeople"]

_OVER = ("SESSION_INVALID", "TOKEN_INVALID", "TOKEN_REVOKED")


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever the session of a visit belongs to."""

    calls: IdentityCalls
    visit: Visit
    token: str

    async def ask(self, rpc: Rpc[AnswerT], request: Message) -> AnswerT:
        """Sends a call with the token of the person. Raises MeshError."""
        return await self.calls.send(rpc, request, self.visit.exchange.call, self.token)


OfPerson = Callable[[Person], Awaitable[Response]]


class SignedInPeople:
    """Opens sessions. Who has none, or must show again who he is, is sent to sign in."""

    def __init__(self, calls: IdentityCalls, attempts: Attempts) -> None:
        self._calls = calls
        self._attempts = attempts

    def only(self, handler: OfPerson) -> Handler:
        """Returns the handler of a page that is for somebody who is signed in."""

        async def handle(visit: Visit) -> Response:
            try:
                return await handler(await self._person(visit))
            except MeshError as error:
                if error.reason == "REAUTHENTICATION_REQUIRED":
                    return await self._attempts.begin(visit, again=True, notice="again")
                if error.reason not in _OVER:
                    raise
                visit.drop(SESSION)
                return await self._attempts.begin(visit)

        return handle

    async def _person(self, visit: Visit) -> Person:
        request = service.OpenSessionRequest(session=visit.session)
        opened = await self._calls.send(OPEN_SESSION, request, visit.exchange.call)
        return Person(self._calls, visit, opened.access_token)
