"""Proves that whoever redeems a code is who asked for it (RFC 7636). S256 is the one method there is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

__all__ = ["S256", "challenge_of", "challenge_well_formed", "verifies"]

S256 = "S256"
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""SHA-256 in base64url: the last of 43 characters has two bits that are zero."""
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def challenge_well_formed(challenge: str) -> bool:
    """Tells whether the text can be a challenge of the method S256."""
    return _CHALLENGE.fullmatch(challenge) is not None


def challenge_of(verifier: str) -> str:
    """Returns the challenge for a verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def verifies(verifier: str, challenge: str) -> bool:
    """Tells whether the challenge was made of the verifier (RFC 7636, section 4.6)."""
    return _VERIFIER.fullmatch(verifier) is not None and hmac.compare_digest(
        challenge_of(verifier).encode(), challenge.encode()
    )
