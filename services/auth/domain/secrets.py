"""Makes the secrets that the service hands out, and what is stored of them.

A secret has 256 random bits, so the SHA-256 that is stored needs no salt and no slow hash: there is nothing to guess.
Its prefix lets scanners find one that leaked. An API key ends in a checksum besides, so that a mistyped or invented one
is told without a look-up.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from typing import Final

__all__ = [
    "ACCESS_LINK",
    "API_KEY",
    "AUTHORIZATION_CODE",
    "CLIENT_SECRET",
    "DEVICE_CODE",
    "PREFIX_LENGTH",
    "REFRESH_TOKEN",
    "SESSION",
    "key_well_formed",
    "new_api_key",
    "new_secret",
    "secret_hash",
    "secret_matches",
]

CLIENT_SECRET: Final = "rcs_"
API_KEY: Final = "rpk_"
REFRESH_TOKEN: Final = "rrt_"
SESSION: Final = "rss_"
ACCESS_LINK: Final = "rln_"
"""Of invitations and of passwords that are set anew."""
DEVICE_CODE: Final = "rdc_"
AUTHORIZATION_CODE: Final = "rac_"

PREFIX_LENGTH: Final = 8
"""Characters of an API key by which people tell it from others."""

_BYTES = 32
_KEY_CHARACTERS = 43
_CHECKSUM_CHARACTERS = 6
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_secret(prefix: str) -> str:
    """Returns the prefix and 256 random bits in 43 characters of base64url."""
    return prefix + secrets.token_urlsafe(_BYTES)


def secret_hash(secret: str) -> bytes:
    """Returns what is stored of a secret: its SHA-256."""
    return hashlib.sha256(secret.encode()).digest()


def secret_matches(secret: str, *stored: bytes) -> bool:
    """Tells whether the secret is one of those stored, in a time that does not tell which or how nearly."""
    given = secret_hash(secret)
    return any([hmac.compare_digest(given, each) for each in stored])


def new_api_key() -> str:
    """Returns `rpk_`, 43 random letters and digits (256 bits), and the checksum of both in 6 more."""
    body = API_KEY + "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_CHARACTERS))
    return body + _checksum(body)


def key_well_formed(key: str) -> bool:
    """Tells whether the text is an API key whose checksum is right, whether or not there is such a key."""
    body, checksum = key[:-_CHECKSUM_CHARACTERS], key[-_CHECKSUM_CHARACTERS:]
    return len(key) == len(API_KEY) + _KEY_CHARACTERS + _CHECKSUM_CHARACTERS and checksum == _checksum(body)


def _checksum(body: str) -> str:
    """Returns the CRC-32 of a key's body in six characters of base 62, the most significant first."""
    rest, digits = zlib.crc32(body.encode(errors="replace")), []
    for _ in range(_CHECKSUM_CHARACTERS):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
