"""Answers authorization requests (RFC 6749, section 4.1): at once where it can, else by an attempt to sign in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.auth.domain.authorization import AuthorizationParameters, AuthorizationRequest, RequestRefusal, judge
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.redirection import on_own_machine
from services.auth.domain.sign_in import AttemptKey
from services.auth.ports.sign_in import TenantReader
from services.auth.service.oauth.attempts import SignInAttempts
from services.auth.service.oauth.clients import OAuthClients
from services.auth.service.oauth.consents import Consents
from services.auth.service.oauth.enrolment import Enrolment
from services.auth.service.oauth.sessions import SessionKeeper, SignedIn

__all__ = ["Authorizations"]

_UNSAFE = frozenset({"client_id", "redirect_uri"})
"""Parameters without which nobody can be told anything but the person."""


class Authorizations:
    """Begins what ends in a code."""

    def __init__(
        self,
        *,
        clients: OAuthClients,
        tenants: TenantReader,
        sessions: SessionKeeper,
        attempts: SignInAttempts,
        consents: Consents,
        enrolment: Enrolment,
        clock: Callable[[], datetime],
    ) -> None:
        self._clients = clients
        self._tenants = tenants
        self._sessions = sessions
        self._attempts = attempts
        self._consents = consents
        self._enrolment = enrolment
        self._clock = clock

    async def start(self, asked: AuthorizationParameters, session_secret: str) -> AttemptKey | str | RequestRefusal:
        """Returns the attempt that the browser has to make, where it has to go, or what is wrong.

        Errors go to the redirect URI only if the client and the URI are good (RFC 6749, section 4.1.2.1).
        """
        client = await self._clients.find(asked.client_id) if "client_id" not in asked.refused else None
        if client is None:
            return RequestRefusal("invalid_client", "there is no such client")
        if not _UNSAFE.isdisjoint(asked.refused) or not client.redirects_to(asked.redirect_uri):
            return RequestRefusal("invalid_request", "redirect_uri is not one that is registered for the client")
        request = judge(asked, client)
        if isinstance(request, RequestRefusal):
            return self._error(asked, request.error, request.description)
        return await self._answer(asked, request, client, session_secret)

    async def _answer(
        self, asked: AuthorizationParameters, request: AuthorizationRequest, client: OAuthClient, secret: str
    ) -> AttemptKey | str:
        tenant = await self._tenant(client, request)
        if tenant is None and (client.tenant_id or request.tenant):
            return self._error(asked, "invalid_request", "there is no such tenant")
        had = await self._sessions.find(secret)
        who = had if had is not None and self._counts(had, request, client) else None
        if who is not None and tenant is not None and who.session.tenant_id != tenant[0]:
            who = None
        if who is not None and not await self._asks(request, client, who):
            return await self._consents.code_answer(request, client, who)
        if "none" in request.prompts:
            error = "login_required" if who is None else "consent_required"
            return self._error(asked, error, "the person has to be asked, which prompt=none rules out")
        return await self._attempts.begin(request=request, tenant=tenant, who=who, had=had)

    async def _asks(self, request: AuthorizationRequest, client: OAuthClient, who: SignedIn) -> bool:
        """Tells whether somebody with a session has to be asked.

        A program on the person's own machine that proves nothing may be any other there (RFC 8252, section 8.6).
        """
        if client.public and on_own_machine(request.redirect_uri):
            return True
        return await self._consents.needed(request, client, who) or await self._enrolment.needed(who)

    def _counts(self, who: SignedIn, request: AuthorizationRequest, client: OAuthClient) -> bool:
        """Tells whether the session is enough to say who is there."""
        if "login" in request.prompts or not client.serves(who.session.tenant_id):
            return False
        return who.session.fresh(self._clock(), request.max_age)

    async def _tenant(self, client: OAuthClient, request: AuthorizationRequest) -> tuple[str, str] | None:
        """Returns identifier and name of the tenant whose people the request is for; None if the person says."""
        if client.tenant_id:
            found = await self._tenants.get_tenant(client.tenant_id)
        else:
            found = await self._tenants.find_tenant(request.tenant) if request.tenant else None
        return (found.tenant_id, found.name) if found is not None else None

    def _error(self, asked: AuthorizationParameters, error: str, description: str) -> str:
        # Of a state that came twice nobody knows which was meant.
        state = "" if "state" in asked.refused else asked.state
        return self._consents.error_answer(asked.redirect_uri, state, error, description)
