"""Tells whether who asks is the client that it says it is: the one place where clients are authenticated.

An unknown client, a wrong secret or assertion and a client that is disabled have one answer and cost the same, so that
nobody learns which clients there are.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NoReturn

from services.auth import errors
from services.auth.domain.clients import AuthenticationMethod, Client
from services.auth.domain.secrets import secret_matches
from services.auth.domain.tenants import Tenant
from services.auth.ports import AuditTrail, FindClient
from services.auth.service.acts import act
from services.auth.service.assertions import AssertionVerifier
from services.auth.service.recent import Recent

__all__ = ["ClientAuthenticator", "PresentedClient"]

_CLIENT_ID = re.compile(r"[a-z0-9-]{1,128}")
# Stands in for the hashes of a client that does not exist: nobody knows a secret that hashes to one of them.
_NO_HASHES = (secrets.token_bytes(32),)


@dataclass(frozen=True, slots=True)
class PresentedClient:
    """What a request shows of its client."""

    client_id: str
    """May be empty beside an assertion, which names the client."""
    secret: str = field(default="", repr=False)
    assertion: str = field(default="", repr=False)


class ClientAuthenticator:
    """Authenticates clients by what is registered of them, and by nothing else (RFC 6749, section 2.3; RFC 7523)."""

    def __init__(
        self,
        find: FindClient,
        assertions: AssertionVerifier,
        audit: AuditTrail,
        clock: Callable[[], float],
    ) -> None:
        self._clients = Recent(find, clock)
        self._assertions = assertions
        self._audit = audit
        self._clock = clock

    async def authenticate(self, shown: PresentedClient) -> tuple[Client, Tenant]:
        """Returns the client and its tenant. Raises CLIENT_INVALID."""
        client_id = self._named(shown)
        found = await self._clients.find(client_id) if _CLIENT_ID.fullmatch(client_id) else None
        proven = await self._proven(shown, found[0] if found else None)
        if found is None or not proven or found[0].disabled_at is not None:
            await self._refuse(client_id, found)
        return found

    def _named(self, shown: PresentedClient) -> str:
        if shown.assertion and not shown.client_id:
            return self._assertions.subject(shown.assertion)
        return shown.client_id

    async def _proven(self, shown: PresentedClient, client: Client | None) -> bool:
        if shown.secret and shown.assertion:
            return False
        if shown.assertion:
            return await self._assertions.proves(shown.assertion, client)
        if client is not None and client.settings.method is AuthenticationMethod.NONE:
            return not shown.secret
        now = datetime.fromtimestamp(self._clock(), UTC)
        return secret_matches(shown.secret, *((client.secrets.valid(now) if client else ()) or _NO_HASHES))

    async def _refuse(self, client_id: str, found: tuple[Client, Tenant] | None) -> NoReturn:
        now = datetime.fromtimestamp(self._clock(), UTC)
        tenant_id = found[1].tenant_id if found else ""
        # What names no client may be anything, a secret in the wrong place as well.
        target = f"clients/{client_id}" if found else ""
        await self._audit.record(act("client.authenticate", target, now, tenant_id=tenant_id, reason="CLIENT_INVALID"))
        raise errors.client_invalid()
