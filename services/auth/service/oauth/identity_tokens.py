"""Makes ID tokens (OpenID Connect Core 1.0, section 2): who has signed in to a client, and how. They open nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from services.auth.domain.grants import Grant
from services.auth.service.keyring import Keyring

__all__ = ["IDENTITY_TOKEN_SECONDS", "IdentityTokens", "authentication_claims"]

IDENTITY_TOKEN_SECONDS: Final = 300
"""Life of an ID token: it is read once, at once."""
_TYPE = "JWT"
"""Not that of access tokens, so that none takes the one for the other (RFC 8725, section 3.11)."""
_HALF = 16


class IdentityTokens:
    """Signs ID tokens."""

    def __init__(self, keyring: Keyring, issuer: str, clock: Callable[[], datetime]) -> None:
        self._keyring = keyring
        self._issuer = issuer
        self._clock = clock

    def issue(self, grant: Grant, access_token: str, nonce: str) -> str:
        """Returns an ID token beside an access token of the grant; `nonce` is empty for none."""
        now = int(self._clock().timestamp())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": grant.client_id,
            "sub": grant.member_id,
            "tenant_id": grant.tenant_id,
            "iat": now,
            "exp": now + IDENTITY_TOKEN_SECONDS,
            "at_hash": _half_hash(access_token),
            "acr": _level(grant.methods),
            **authentication_claims(grant),
        }
        return self._keyring.sign(claims | ({"nonce": nonce} if nonce else {}), kind=_TYPE)


def authentication_claims(grant: Grant) -> dict[str, Any]:
    """Returns the claims about how the member of a grant has signed in."""
    when = int(grant.authenticated_at.timestamp())
    return {"sid": grant.grant_id, "auth_time": when, "amr": sorted(grant.methods)}


def _level(methods: frozenset[str]) -> str:
    """Returns "2" for two factors: a passkey is the one that a person has and the one that it is or knows."""
    return "2" if len(methods) > 1 or "hwk" in methods else "1"


def _half_hash(token: str) -> str:
    """Returns the left half of a token's SHA-256 in base64url (OpenID Connect Core 1.0, section 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:_HALF]).rstrip(b"=").decode()
