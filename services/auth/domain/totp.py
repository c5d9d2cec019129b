"""Time-based one-time passwords: HMAC-SHA-1, six digits, 30 seconds (RFC 6238, RFC 4226), as all authenticators do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

__all__ = ["SECRET_BYTES", "Totp", "base32", "matching_step", "new_totp_secret", "otpauth_uri", "totp_code"]

SECRET_BYTES = 20
"""As many as the hash has (RFC 4226, section 4)."""
STEP_SECONDS = 30
DIGITS = 6
_NEIGHBOURS = (0, -1, 1)
"""Steps of which a code is taken: clocks differ, and people type slowly (RFC 6238, section 5.2)."""


@dataclass(frozen=True, slots=True)
class Totp:
    """The one-time password of a member, as stored."""

    sealed_secret: bytes | None = field(default=None, repr=False)
    """What counts; None while there is none."""
    pending_secret: bytes | None = field(default=None, repr=False)
    """What will count in its place once a code of it was seen."""
    last_step: int = 0
    """Step of the last code that was taken: that one and those before it are used up."""


def new_totp_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def totp_code(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """Returns the code of a step: seconds since the epoch, by 30 (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: bytes, code: str, now: float) -> int | None:
    """Returns the step whose code it is: this one, that before or that after; None if it is of none of them."""
    given = "".join(code.split()).encode(errors="replace")
    present = int(now // STEP_SECONDS)
    steps = [present + offset for offset in _NEIGHBOURS]
    # All are compared, so that the time does not tell which.
    found = [step for step in steps if hmac.compare_digest(totp_code(secret, step).encode(), given)]
    return found[0] if found else None


def otpauth_uri(secret: bytes, account: str, issuer: str) -> str:
    """Returns the secret as authenticators read it from a QR code (Key URI Format)."""
    parameters = {
        "secret": base32(secret),
        "issuer": issuer,
        "algorithm": "SHA1",
        "digits": DIGITS,
        "period": STEP_SECONDS,
    }
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{urlencode(parameters, quote_via=quote)}"


def base32(secret: bytes) -> str:
    """Returns a secret as people type it (RFC 4648, section 6)."""
    return base64.b32encode(secret).decode().rstrip("=")
