"""Makes API keys, tells them from other texts, and refuses those that are not good.

A key is `rpk_`, 43 random letters and digits, and 6 more for a CRC-32 of all before. Scanners find one that leaked by
its form alone, and what is mistyped or invented is told from a key without a look-up.
"""

from __future__ import annotations

import secrets
import string
import zlib
from typing import Final

from meshkit.errors import Kind, MeshError

__all__ = ["API_KEY", "PREFIX_LENGTH", "api_key_invalid", "is_api_key", "new_api_key", "well_formed"]

API_KEY: Final = "rpk_"
PREFIX_LENGTH: Final = 8
"""Characters by which people tell a key from others."""

_ALPHABET = string.digits + string.ascii_letters
_RANDOM = 43
"""Characters, of 5.95 bits each."""
_CHECKSUM = 6
_LENGTH = len(API_KEY) + _RANDOM + _CHECKSUM


def new_api_key() -> str:
    """Returns a key of 256 random bits."""
    body = API_KEY + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return body + _checksum(body)


def is_api_key(text: str) -> bool:
    """Tells whether a credential is meant to be an API key."""
    return text.startswith(API_KEY)


def well_formed(key: str) -> bool:
    """Tells whether a key may exist: its length and its checksum are right."""
    return len(key) == _LENGTH and key.isascii() and key[-_CHECKSUM:] == _checksum(key[:-_CHECKSUM])


def api_key_invalid() -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, "API_KEY_INVALID", "the API key is unknown, has expired or was revoked")


def _checksum(body: str) -> str:
    """Returns the CRC-32 in base 62, the most significant digit first."""
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
