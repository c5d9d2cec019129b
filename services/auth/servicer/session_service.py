"""Implements `rampart.auth.v1.SessionService`."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc
from rampart.auth.v1 import session_service_pb2 as pb

from meshkit.context import Principal, principal
from services.auth import errors
from services.auth.convert import sign_in as convert
from services.auth.service.oauth.account import AccountSessions

__all__ = ["SessionServicer"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class SessionServicer:
    """Implements `rampart.auth.v1.SessionService`."""

    def __init__(self, account: AccountSessions) -> None:
        self._account = account

    async def ListSessions(self, _: pb.ListSessionsRequest, __: Context) -> pb.ListSessionsResponse:
        person = _person()
        ongoing = await self._account.ongoing(person.tenant_id, person.subject)
        return pb.ListSessionsResponse(sessions=[convert.ongoing_to_proto(each, person.session_id) for each in ongoing])

    async def EndSession(self, request: pb.EndSessionRequest, _: Context) -> pb.EndSessionResponse:
        person = _person()
        await self._account.end(person.tenant_id, person.subject, request.session_id)
        return pb.EndSessionResponse()

    async def EndAllSessions(self, _: pb.EndAllSessionsRequest, __: Context) -> pb.EndAllSessionsResponse:
        person = _person()
        await self._account.end_all(person.tenant_id, person.subject)
        return pb.EndAllSessionsResponse()

    async def ListConsents(self, _: pb.ListConsentsRequest, __: Context) -> pb.ListConsentsResponse:
        person = _person()
        consents = await self._account.consents(person.tenant_id, person.subject)
        return pb.ListConsentsResponse(consents=map(convert.consent_to_proto, consents))

    async def DeleteConsent(self, request: pb.DeleteConsentRequest, _: Context) -> pb.DeleteConsentResponse:
        person = _person()
        await self._account.withdraw(person.tenant_id, person.subject, request.client_id)
        return pb.DeleteConsentResponse()


def _person() -> Principal:
    """Returns the person that calls. Raises RESOURCE_NOT_FOUND for a program that acts for itself, or the operator."""
    caller = principal()
    if not caller.session_id:
        raise errors.no_account()
    return caller
