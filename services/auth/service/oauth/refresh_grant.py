"""Redeems refresh tokens (RFC 6749, section 6), each for its successor (RFC 9700, section 4.14.2)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from meshkit.errors import MeshError
from services.auth import errors
from services.auth.domain.grants import Grant, RefreshName, TokenRotation, judge_refresh, read_refresh, refresh_token
from services.auth.domain.oauth_clients import OAuthClient
from services.auth.domain.token_answers import GrantedTokens
from services.auth.domain.token_binding import NOT_BOUND, TokenBinding
from services.auth.ports.grants import GrantChange, GrantStore
from services.auth.service.oauth.granting import Granting
from services.auth.service.oauth.sessions import SessionKeeper

__all__ = ["RefreshGrant"]


class RefreshGrant:
    """Keeps grants going. Whatever is wrong with a token, the answer is the same."""

    def __init__(
        self,
        grants: GrantStore,
        granting: Granting,
        sessions: SessionKeeper,
        *,
        key: bytes,
        clock: Callable[[], datetime],
    ) -> None:
        self._grants = grants
        self._granting = granting
        self._sessions = sessions
        self._key = key
        self._clock = clock

    async def redeem(
        self, client: OAuthClient, token: str, asked: frozenset[str], bound: TokenBinding
    ) -> GrantedTokens:
        """Returns the tokens of the grant as it is now. Raises GRANT_INVALID and SCOPE_INVALID.

        The token was followed by another before, and longer ago than two callers can be apart: the grant ends.
        """
        if (name := read_refresh(token)) is None:
            raise errors.grant_invalid()

        def plan(grant: Grant) -> GrantChange:
            self.check(grant, name, token, client)
            if grant.bound not in (NOT_BOUND, bound):
                raise errors.proof_invalid("is not of the key or certificate to which the token is bound")
            if asked - grant.scopes:
                raise errors.scope_invalid(sorted(asked - grant.scopes))
            return self._rotated(grant, name.generation)

        grant = await self._grants.change(name.grant_id, plan)
        if grant is None or grant.ended_at is not None:
            raise errors.grant_invalid()
        try:
            member = await self._granting.recipient_of(grant)
        except MeshError:
            await self.end(grant, "grant.end")
            raise
        return await self._granting.tokens(grant, client, member, bound=bound, asked=asked)

    def check(self, grant: Grant, name: RefreshName, token: str, client: OAuthClient) -> None:
        """Checks that the token is of the grant, the grant is the client's, and still counts. Raises GRANT_INVALID."""
        right = refresh_token(grant.grant_id, name.generation, grant.seed, self._key)
        good = hmac.compare_digest(right.encode(), token.encode()) and name.generation <= grant.generation
        if not good or grant.client_id != client.client_id or not self._granting.limits.good(grant, self._clock()):
            raise errors.grant_invalid()

    async def end(self, grant: Grant, action: str) -> None:
        """Ends a grant, and with it the access tokens that came of it."""
        ending = self._sessions.ending(
            action, grant.tenant_id, grant.member_id, f"grants/{grant.grant_id}", grant.client_id
        )
        await self._grants.change(grant.grant_id, lambda found: GrantChange(replace(found, ended_at=ending.at), ending))

    def _rotated(self, grant: Grant, generation: int) -> GrantChange:
        now = self._clock()
        rotation = judge_refresh(grant, generation, now, self._granting.limits.grace)
        if rotation is TokenRotation.NEXT:
            return GrantChange(replace(grant, generation=generation + 1, rotated_at=now, used_at=now))
        if rotation is TokenRotation.SAME:
            return GrantChange(grant)
        ending = self._sessions.ending(
            "grant.token_reused", grant.tenant_id, grant.member_id, f"grants/{grant.grant_id}", grant.client_id
        )
        return GrantChange(replace(grant, ended_at=now), ending)
