"""Grants access tokens to programs: for client credentials, for an API key, to the operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from meshkit.context import current
from meshkit.identity.api_keys import well_formed
from meshkit.identity.roles import SERVICE, Roles
from meshkit.operators import OPERATOR
from services.auth import errors
from services.auth.domain.clients import GrantType
from services.auth.domain.secrets import secret_hash
from services.auth.domain.tenants import IssuedToken
from services.auth.domain.token_requests import ClientProof
from services.auth.ports import ApiKeyStore, AuditTrail, Directory
from services.auth.service.acts import act
from services.auth.service.authentication import ClientAuthenticator
from services.auth.service.binding import binding_for
from services.auth.service.issuing import TokenGrant, TokenIssuer
from services.auth.service.key_uses import KeyUses
from services.auth.service.programs import ProgramGrant
from services.auth.service.recent import Recent

__all__ = ["OPERATOR", "AuthService"]

OPERATOR_ROLE = "owner"
OPERATOR_RATE = 1_000
SHORT_SECONDS = 300
"""Life of tokens that are had again without effort: of API keys, and of the operator."""

_SERVICE = frozenset({SERVICE})


class AuthService:
    """Says who gets a token for what."""

    def __init__(
        self,
        *,
        authenticator: ClientAuthenticator,
        issuer: TokenIssuer,
        keys: ApiKeyStore,
        uses: KeyUses,
        directory: Directory,
        audit: AuditTrail,
        roles: Roles,
        clock: Callable[[], datetime],
    ) -> None:
        self._authenticator = authenticator
        self._issuer = issuer
        self._programs = ProgramGrant(issuer)
        self._keys = Recent(lambda name: keys.shown(bytes.fromhex(name)), clock)
        self._uses = uses
        self._directory = directory
        self._audit = audit
        self._owner = roles.permitted([OPERATOR_ROLE])
        self._clock = clock

    async def issue_token(self, shown: ClientProof, scope: str, certificate: str = "") -> IssuedToken:
        """Grants client credentials (RFC 6749, section 4.4). `certificate` is the thumbprint of the caller's own.

        Raises CLIENT_INVALID, GRANT_UNSUPPORTED, PROOF_INVALID, CERTIFICATE_REQUIRED and SCOPE_INVALID.
        """
        client = await self._authenticator.authenticate(shown)
        if not client.may(GrantType.CLIENT_CREDENTIALS):
            raise errors.grant_unsupported(GrantType.CLIENT_CREDENTIALS.value)
        return self._programs.issue(client, scope, binding_for(client.settings.constraint, certificate=certificate))

    async def exchange_api_key(self, key: str) -> IssuedToken:
        """Returns a token of five minutes for an API key. Raises API_KEY_INVALID."""
        hashed, now = secret_hash(key), self._clock()
        found = await self._keys.find(hashed.hex()) if well_formed(key) else None
        if found is None or hashed not in found[0].secrets.valid(now) or not found[0].good(now):
            raise errors.api_key_invalid()
        shown, tenant = found
        self._uses.note(tenant.tenant_id, shown.key_id)
        # No longer than the key itself, or the secret with which it was shown.
        ends = shown.expires_at if hashed == shown.secrets.current else shown.secrets.previous_until or now
        seconds = min(SHORT_SECONDS, max(1, int((min(ends, shown.expires_at) - now).total_seconds())))
        grant = TokenGrant(tenant, shown.key_id, shown.key_id, shown.scopes, _SERVICE, shown.rate_limit)
        return self._issuer.issue(grant, seconds)

    async def operator_token(self, tenant: str, asked: Sequence[str]) -> IssuedToken:
        """Returns a token of five minutes for the operator in a tenant. Raises RESOURCE_NOT_FOUND and SCOPE_INVALID."""
        owner = await self._directory.find_tenant(tenant)
        if owner is None:
            raise errors.tenant_not_found()
        scopes = frozenset(asked) or self._owner
        if scopes - self._owner:
            raise errors.scope_invalid(list(scopes - self._owner))
        who = current().actor or OPERATOR
        issued = self._issuer.issue(
            TokenGrant(owner, who, OPERATOR, scopes, frozenset({OPERATOR_ROLE}), OPERATOR_RATE), SHORT_SECONDS
        )
        target, tenant_id = f"tenants/{owner.tenant_id}", owner.tenant_id
        await self._audit.record(act("operator.token", target, self._clock(), tenant_id=tenant_id, scope=issued.scope))
        return issued
