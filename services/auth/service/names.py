"""Makes identifiers of programs, and judges the names that people give."""

from __future__ import annotations

import base64
import secrets

from meshkit.errors import Violation, validation_failed
from services.auth.domain.names import UNREADABLE, address_readable, name_readable

__all__ = ["check_address", "check_name", "random_name"]


def random_name(prefix: str) -> str:
    """Returns the prefix, a hyphen and 60 random bits in 12 characters of base 32."""
    return f"{prefix}-{base64.b32encode(secrets.token_bytes(8)).decode()[:12].lower()}"


def check_name(name: str, field: str = "display_name") -> None:
    """Raises VALIDATION_FAILED for a name that nobody can read, in a field of the request."""
    if not name_readable(name):
        raise validation_failed(Violation(field, "display_name.readable", UNREADABLE))


def check_address(address: str) -> None:
    """Raises VALIDATION_FAILED for an e-mail address that nobody can read."""
    if not address_readable(address):
        raise validation_failed(Violation("email", "email.readable", UNREADABLE))
