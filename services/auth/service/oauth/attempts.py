"""Begins attempts to sign in, and takes their steps one at a time."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from services.auth import errors
from services.auth.domain.authorization import AuthorizationRequest
from services.auth.domain.secrets import new_secret, secret_hash, secret_matches
from services.auth.domain.sign_in import ATTEMPT_LIFE, AttemptKey, SignInAttempt
from services.auth.ports.sign_in import AttemptStore
from services.auth.service.oauth.sessions import SignedIn

__all__ = ["SignInAttempts"]

_SECRET = "rat_"
_ID_BYTES = 16


class SignInAttempts:
    """Attempts of browsers to sign in."""

    def __init__(self, store: AttemptStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def begin(
        self,
        *,
        request: AuthorizationRequest | None = None,
        user_code: str = "",
        tenant: tuple[str, str] | None = None,
        who: SignedIn | None = None,
        had: SignedIn | None = None,
    ) -> AttemptKey:
        """Begins an attempt: of nobody yet, or of `who` is signed in. `had` is the session that the browser has."""
        secret = new_secret(_SECRET)
        tenant_id, name = tenant or ("", "")
        attempt = SignInAttempt(
            attempt_id=secrets.token_urlsafe(_ID_BYTES),
            secret_hash=secret_hash(secret),
            expires_at=self._clock() + ATTEMPT_LIFE,
            request=request,
            user_code=user_code,
            tenant=name,
            tenant_id=tenant_id,
            email_hint=request.login_hint if request is not None else "",
            former=had.session.secret_hash.hex() if had is not None else "",
        )
        await self._store.begin(_signed_in(attempt, who) if who is not None else attempt)
        return AttemptKey(attempt.attempt_id, secret)

    async def find(self, key: AttemptKey) -> SignInAttempt:
        """Returns the attempt of this browser. Raises INTERACTION_INVALID."""
        attempt = await self._store.find(key.attempt_id) if key.attempt_id else None
        known = attempt.secret_hash if attempt is not None else bytes(32)
        if not secret_matches(key.secret, known) or attempt is None or attempt.expires_at <= self._clock():
            raise errors.interaction_invalid()
        return attempt

    async def step(self, attempt: SignInAttempt, **changed: Any) -> SignInAttempt:
        """Returns the attempt after a step. Raises INTERACTION_INVALID if another came first."""
        after = replace(attempt, revision=attempt.revision + 1, **changed)
        if not await self._store.step(after):
            raise errors.interaction_invalid()
        return after

    async def finish(self, attempt: SignInAttempt) -> None:
        """Ends the attempt, of which something comes this once. Raises INTERACTION_INVALID."""
        if not await self._store.finish(attempt):
            raise errors.interaction_invalid()


def _signed_in(attempt: SignInAttempt, who: SignedIn) -> SignInAttempt:
    session = who.session
    return replace(attempt, tenant_id=session.tenant_id, member_id=session.member_id, session=session.secret_hash.hex())
