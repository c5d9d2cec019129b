"""Makes the secrets that the service hands out, and what is stored of them.

A secret has 256 random bits, so the SHA-256 that is stored needs no salt and no slow hash: there is nothing to guess.
Its prefix lets scanners find one that leaked.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

__all__ = [
    "ACCESS_LINK",
    "AUTHORIZATION_CODE",
    "CLIENT_SECRET",
    "DEVICE_CODE",
    "REFRESH_TOKEN",
    "SESSION",
    "StoredSecrets",
    "new_secret",
    "secret_hash",
    "secret_matches",
]

CLIENT_SECRET: Final = "rcs_"
REFRESH_TOKEN: Final = "rrt_"
SESSION: Final = "rss_"
ACCESS_LINK: Final = "rln_"
"""Of invitations and of passwords that are set anew."""
DEVICE_CODE: Final = "rdc_"
AUTHORIZATION_CODE: Final = "rac_"

_BYTES = 32


def new_secret(prefix: str) -> str:
    """Returns the prefix and 256 random bits in 43 characters of base64url."""
    return prefix + secrets.token_urlsafe(_BYTES)


def secret_hash(secret: str) -> bytes:
    """Returns what is stored of a secret: its SHA-256."""
    return hashlib.sha256(secret.encode()).digest()


def secret_matches(secret: str, *stored: bytes) -> bool:
    """Tells whether the secret is one of those stored, in a time that does not tell which or how nearly."""
    given = secret_hash(secret)
    matches = [hmac.compare_digest(given, each) for each in stored]
    return True in matches


@dataclass(frozen=True, slots=True)
class StoredSecrets:
    """The hashes of a secret that can be replaced: the present one, and the one before for a time of grace."""

    current: bytes | None = None
    """None if there is no secret with which anybody gets in."""
    previous: bytes | None = None
    previous_until: datetime | None = None
    """Until when the one before is good; None without one."""

    def valid(self, now: datetime) -> tuple[bytes, ...]:
        """Returns the hashes of the secrets that are good now."""
        current = () if self.current is None else (self.current,)
        return (*current, self.previous) if self.overlap(now) and self.previous is not None else current

    def overlap(self, now: datetime) -> bool:
        """Tells whether a secret is good beside the present one."""
        return self.previous_until is not None and now < self.previous_until

    def rotated(self, successor: bytes, now: datetime, grace: timedelta) -> StoredSecrets:
        """Returns the secrets after a replacement, with which the present one is good for `grace` longer."""
        if self.current is None or not grace:
            return StoredSecrets(successor)
        return StoredSecrets(successor, self.current, now + grace)
