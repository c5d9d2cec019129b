"""Sends people to their tenant's own provider, and takes its word for who they are."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from meshkit.errors import unavailable
from services.auth import errors
from services.auth.domain.federation import FEDERATED, SEVERAL_FACTORS, FederatedAttempt, ProviderAnswer, redirect_uri
from services.auth.domain.members import Member, Proven
from services.auth.domain.pkce import S256, challenge_of
from services.auth.domain.provider_identity import ExpectedIdentity, IdentityRefusedError
from services.auth.domain.provider_metadata import ProviderFault
from services.auth.domain.redirection import answer_uri
from services.auth.domain.sign_in import SignInAttempt
from services.auth.domain.tenants import Tenant
from services.auth.ports import AuditTrail
from services.auth.ports.identity_providers import IdentityProviderStore
from services.auth.ports.sign_in import TenantReader
from services.auth.service.acts import act
from services.auth.service.federation.accounts import LinkedAccounts, ShownAccount
from services.auth.service.federation.catalogue import ProviderCatalogue
from services.auth.service.federation.sealing import FederationSeals
from services.auth.service.federation.tokens import CodeToRedeem, ProviderTokens

__all__ = ["Federation"]

_log = logging.getLogger(__name__)

SCOPES = "openid email profile"
SECONDS = 8.0
"""All that is asked of a provider for one answer."""
_RANDOM_BYTES = 32
_ANSWERS = frozenset(
    {
        "access_denied", "account_selection_required", "consent_required", "interaction_required", "invalid_request",
        "invalid_scope", "login_required", "server_error", "temporarily_unavailable", "unauthorized_client",
        "unsupported_response_type",
    }
)  # fmt: skip
"""Errors of RFC 6749, section 4.1.2.1, and OpenID Connect Core 1.0, section 3.1.2.6: no others are written down."""


class Federation:
    """Signs in by the tenant's own provider."""

    def __init__(
        self,
        *,
        store: IdentityProviderStore,
        tenants: TenantReader,
        catalogue: ProviderCatalogue,
        tokens: ProviderTokens,
        accounts: LinkedAccounts,
        seals: FederationSeals,
        trail: AuditTrail,
        callback: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._tenants = tenants
        self._catalogue = catalogue
        self._tokens = tokens
        self._accounts = accounts
        self._seals = seals
        self._trail = trail
        self._callback = callback
        self._clock = clock

    async def name(self, tenant_id: str) -> str:
        """Returns the name of a tenant's provider; empty for none."""
        found = await self._store.find_provider(tenant_id)
        return found.display_name if found is not None else ""

    async def check_own_way(self, member: Member) -> None:
        """Raises PROVIDER_REQUIRED for a member who was proven here, and can sign in by the provider alone."""
        found = await self._store.find_provider(member.tenant_id)
        if found is not None and found.is_required_of(member):
            refused = errors.provider_required()
            target = f"members/{member.member_id}"
            await self._trail.record(
                act("sign_in.own", target, self._clock(), tenant_id=member.tenant_id, reason=refused.reason)
            )
            raise refused

    async def check_address(self, tenant: str, email: str) -> None:
        """Raises PROVIDER_REQUIRED for any address, anybody's or nobody's, that is the provider's alone to prove.

        So the answer to a wrong password is that to a right one which counts for nothing.
        """
        named = await self._tenants.find_tenant(tenant)
        found = await self._store.find_provider(named.tenant_id) if named is not None else None
        if found is not None and found.required and found.covers(email):
            raise errors.provider_required()

    async def start(self, attempt: SignInAttempt, tenant: str) -> tuple[str, str]:
        """Returns where the browser goes, and what is kept with the attempt. `tenant` counts if the attempt has none.

        Raises RESOURCE_NOT_FOUND and DEPENDENCY_UNAVAILABLE.
        """
        named = await self._tenant(attempt, tenant)
        provider = await self._store.find_provider(named.tenant_id) if named is not None else None
        if named is None or provider is None:
            raise errors.provider_not_found()
        async with self._asking(provider.tenant_id):
            metadata = await self._catalogue.metadata(provider.issuer, provider.tenant_id)
        under_way = FederatedAttempt(
            provider.tenant_id,
            named.name,
            provider.issuer,
            provider.client_id,
            metadata.names_itself,
            state=f"{attempt.attempt_id}.{secrets.token_urlsafe(_RANDOM_BYTES)}",
            nonce=secrets.token_urlsafe(_RANDOM_BYTES),
            verifier=secrets.token_urlsafe(_RANDOM_BYTES),
            max_age=_max_age(attempt),
            begun_at=self._clock().timestamp(),
        )
        asked = self._request(under_way, attempt.email_hint if provider.covers(attempt.email_hint) else "")
        return answer_uri(metadata.authorization_endpoint, asked), self._seals.seal(attempt.attempt_id, under_way)

    def opened(self, attempt: SignInAttempt, answer: ProviderAnswer) -> FederatedAttempt:
        """Returns what an answer of this browser is held against. Raises SIGN_IN_REFUSED for the answer to another."""
        under_way = self._seals.open(attempt.attempt_id, attempt.federation)
        if not hmac.compare_digest(under_way.state.encode(), answer.state.encode()):
            raise errors.sign_in_refused()
        return under_way

    async def finish(self, under_way: FederatedAttempt, answer: ProviderAnswer) -> Proven:
        """Returns who has signed in, by the answer. Raises SIGN_IN_REFUSED and DEPENDENCY_UNAVAILABLE."""
        try:
            async with self._asking(under_way.tenant_id):
                return await self._finish(under_way, answer)
        except IdentityRefusedError as error:
            refused = errors.sign_in_refused()
            tenant_id, now = under_way.tenant_id, self._clock()
            await self._trail.record(
                act("sign_in.federation", "", now, tenant_id=tenant_id, reason=refused.reason, why=str(error))
            )
            raise refused from None

    async def _finish(self, under_way: FederatedAttempt, answer: ProviderAnswer) -> Proven:
        _check_answer(under_way, answer)
        provider = await self._store.find_provider(under_way.tenant_id)
        if provider is None or not provider.same_accounts(under_way.issuer, under_way.client_id):
            raise IdentityRefusedError("provider")
        metadata = await self._catalogue.metadata(provider.issuer, provider.tenant_id)
        secret = self._seals.open_secret(provider)
        code = CodeToRedeem(answer.code, under_way.verifier, redirect_uri(self._callback, under_way.tenant), secret)
        redeemed = await self._tokens.redeem(provider, metadata, code)
        expected = ExpectedIdentity(
            provider.issuer, provider.client_id, under_way.nonce, under_way.max_age, under_way.begun_at
        )
        identity = expected.judge(redeemed.claims, self._clock().timestamp())
        member = await self._accounts.member_of(ShownAccount(provider, metadata, identity, redeemed.access_token))
        several = provider.second_factor_trusted and identity.several_factors
        at = None if identity.proven_at is None else datetime.fromtimestamp(identity.proven_at, UTC)
        return Proven(member, frozenset({FEDERATED, SEVERAL_FACTORS} if several else {FEDERATED}), at)

    async def _tenant(self, attempt: SignInAttempt, named: str) -> Tenant | None:
        if attempt.tenant_id:
            return await self._tenants.get_tenant(attempt.tenant_id)
        return await self._tenants.find_tenant(named)

    def _request(self, under_way: FederatedAttempt, hint: str) -> dict[str, str]:
        """Returns the parameters of the authorization request; those without a value are left out."""
        return {
            "response_type": "code",
            "client_id": under_way.client_id,
            "redirect_uri": redirect_uri(self._callback, under_way.tenant),
            "scope": SCOPES,
            "state": under_way.state,
            "nonce": under_way.nonce,
            "code_challenge": challenge_of(under_way.verifier),
            "code_challenge_method": S256,
            "login_hint": hint,
            "prompt": "login" if under_way.max_age == 0 else "",
            "max_age": "" if under_way.max_age is None else str(under_way.max_age),
        }

    @asynccontextmanager
    async def _asking(self, tenant_id: str) -> AsyncIterator[None]:
        """Bounds the time of what is asked of a provider, and says that it does not answer. Nothing of it is shown."""
        try:
            async with asyncio.timeout(SECONDS):
                yield
        except (ProviderFault, TimeoutError) as fault:
            why = fault.why if isinstance(fault, ProviderFault) else "timeout"
            _log.warning("an identity provider does not answer", extra={"fields": {"tenant_id": tenant_id, "why": why}})
            raise unavailable("identity_provider") from None


def _check_answer(under_way: FederatedAttempt, answer: ProviderAnswer) -> None:
    """Raises IdentityRefusedError for an answer of another provider (RFC 9207, section 2.4), or without a code."""
    if answer.tenant != under_way.tenant:
        raise IdentityRefusedError("redirect_uri")
    if (answer.iss or under_way.names_itself) and answer.iss != under_way.issuer:
        raise IdentityRefusedError("iss")
    if answer.error:
        raise IdentityRefusedError(answer.error if answer.error in _ANSWERS else "error")
    if not answer.code:
        raise IdentityRefusedError("code")


def _max_age(attempt: SignInAttempt) -> int | None:
    """Returns how long ago the person may have proven itself at the provider, where that was asked of us."""
    asked = attempt.request
    if asked is not None and asked.max_age is not None:
        return asked.max_age
    again = bool(attempt.former) or (asked is not None and "login" in asked.prompts)
    return 0 if again else None
