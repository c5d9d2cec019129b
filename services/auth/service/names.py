"""Makes identifiers of programs."""

from __future__ import annotations

import base64
import secrets

__all__ = ["random_name"]


def random_name(prefix: str) -> str:
    """Returns the prefix, a hyphen and 60 random bits in 12 characters of base 32."""
    return f"{prefix}-{base64.b32encode(secrets.token_bytes(8)).decode()[:12].lower()}"
