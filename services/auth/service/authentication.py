"""Tells whether who asks is the client that it says it is: the one place where clients are authenticated.

An unknown client, a wrong secret or assertion and a client that is disabled have one answer and cost the same, so that
nobody learns which clients there are.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn

from services.auth import errors
from services.auth.domain.clients import AuthenticationMethod, Client
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.secrets import secret_matches
from services.auth.domain.tenants import Tenant
from services.auth.domain.token_requests import ClientProof
from services.auth.ports import AuditTrail, FindClient
from services.auth.service.acts import act
from services.auth.service.assertions import AssertionVerifier
from services.auth.service.recent import Recent

__all__ = ["ClientAuthenticator"]

_CLIENT_ID = re.compile(r"[a-z0-9-]{1,128}")
# Stands in for the hashes of a client that does not exist: nobody knows a secret that hashes to one of them.
_NO_HASHES = (secrets.token_bytes(32),)


class ClientAuthenticator:
    """Authenticates clients by what is registered of them, and by nothing else (RFC 6749, section 2.3; RFC 7523)."""

    def __init__(
        self,
        find: FindClient,
        assertions: AssertionVerifier,
        audit: AuditTrail,
        clock: Callable[[], datetime],
    ) -> None:
        self._clients = Recent(find, clock)
        self._assertions = assertions
        self._audit = audit
        self._clock = clock

    async def find(self, client_id: str) -> OAuthClient | None:
        """Returns a client that may be used; None also for one that is disabled."""
        found = await self._found(client_id)
        return _to_oauth_client(*found) if found is not None and found[0].disabled_at is None else None

    async def authenticate(self, shown: ClientProof) -> OAuthClient:
        """Raises CLIENT_INVALID, whatever is wrong."""
        client_id = self._named(shown)
        found = await self._found(client_id)
        proven = await self._proven(shown, found[0] if found else None)
        if found is None or not proven or found[0].disabled_at is not None:
            await self._refuse(client_id, found)
        return _to_oauth_client(*found)

    async def _found(self, client_id: str) -> tuple[Client, Tenant] | None:
        return await self._clients.find(client_id) if _CLIENT_ID.fullmatch(client_id) else None

    def _named(self, shown: ClientProof) -> str:
        if shown.assertion and not shown.client_id:
            return self._assertions.subject(shown.assertion)
        return shown.client_id

    async def _proven(self, shown: ClientProof, client: Client | None) -> bool:
        if shown.secret and shown.assertion:
            return False
        if shown.assertion:
            return await self._assertions.proves(shown.assertion, client)
        if client is not None and client.settings.method is AuthenticationMethod.NONE:
            return not shown.secret
        now = self._clock()
        return secret_matches(shown.secret, *((client.secrets.valid(now) if client else ()) or _NO_HASHES))

    async def _refuse(self, client_id: str, found: tuple[Client, Tenant] | None) -> NoReturn:
        now = self._clock()
        tenant_id = found[1].tenant_id if found else ""
        # What names no client may be anything, a secret in the wrong place as well.
        target = f"clients/{client_id}" if found else ""
        await self._audit.record(act("client.authenticate", target, now, tenant_id=tenant_id, reason="CLIENT_INVALID"))
        raise errors.client_invalid()


def _to_oauth_client(client: Client, tenant: Tenant) -> OAuthClient:
    return OAuthClient(client.client_id, client.settings, tenant)
