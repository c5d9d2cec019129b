"""How long an access token holds: a stream must not outlive the token that opened it."""

from __future__ import annotations

import base64
import binascii
import json

from meshkit.errors import Kind, MeshError

__all__ = ["expired", "expires_at"]


def expires_at(token: str) -> float | None:
    """Returns the `exp` (RFC 7519, section 4.1.4) of a token that has been verified; None if it is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    expiry = claims.get("exp") if isinstance(claims, dict) else None
    return float(expiry) if isinstance(expiry, (int, float)) else None


def expired() -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", "the access token has expired: come again with a new one")
