"""Redeems authorization codes (RFC 6749, section 4.1.3): once, by whoever asked for them."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from services.auth import errors
from services.auth.domain.endings import AccessEnding
from services.auth.domain.grants import AuthorizationCode
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.pkce import verifies
from services.auth.domain.secrets import secret_hash
from services.auth.domain.token_answers import GrantedTokens
from services.auth.domain.token_binding import TokenBinding
from services.auth.ports.grants import GrantStore, MadeGrant
from services.auth.service.oauth.granting import Granting
from services.auth.service.oauth.sessions import SessionKeeper

__all__ = ["CodeGrant", "RedeemedCode"]


@dataclass(frozen=True, slots=True)
class RedeemedCode:
    """What a client sends with a code."""

    code: str = field(repr=False)
    redirect_uri: str
    verifier: str = field(repr=False)
    bound: TokenBinding
    """What its tokens will be bound to."""


class CodeGrant:
    """Turns codes into tokens."""

    def __init__(
        self, grants: GrantStore, granting: Granting, sessions: SessionKeeper, clock: Callable[[], datetime]
    ) -> None:
        self._grants = grants
        self._granting = granting
        self._sessions = sessions
        self._clock = clock

    async def redeem(self, client: OAuthClient, given: RedeemedCode) -> GrantedTokens:
        """Returns the tokens of a code. Raises GRANT_INVALID, whatever is wrong.

        A second use ends all that came of the first, also if both come at once (RFC 9700, section 4.14): either the
        client or whoever came before it has stolen the code.
        """

        def plan(code: AuthorizationCode) -> MadeGrant:
            self._check(code, client, given)
            return self._made(code, client, given.bound)

        redeemed = await self._grants.redeem(secret_hash(given.code), plan, self._reused)
        if redeemed is None:
            raise errors.grant_invalid()
        code, grant = redeemed
        member = await self._granting.recipient_of(grant)
        return await self._granting.tokens(grant, client, member, bound=given.bound, nonce=code.nonce)

    def _check(self, code: AuthorizationCode, client: OAuthClient, given: RedeemedCode) -> None:
        good = (
            code.expires_at > self._clock()
            and code.client_id == client.client_id
            and hmac.compare_digest(code.redirect_uri.encode(), given.redirect_uri.encode())
            and verifies(given.verifier, code.code_challenge)
            and (not code.dpop_jkt or code.dpop_jkt == given.bound.jkt)
        )
        if not good:
            raise errors.grant_invalid()

    def _made(self, code: AuthorizationCode, client: OAuthClient, bound: TokenBinding) -> MadeGrant:
        return self._granting.new_grant(
            client,
            tenant_id=code.tenant_id,
            member_id=code.member_id,
            session_id=code.session_id,
            scopes=code.scopes,
            methods=code.methods,
            authenticated_at=code.authenticated_at,
            bound=bound,
        )

    def _reused(self, code: AuthorizationCode, grant_id: str) -> AccessEnding:
        target = f"grants/{grant_id}"
        return self._sessions.ending("grant.code_reused", code.tenant_id, code.member_id, target, code.client_id)
