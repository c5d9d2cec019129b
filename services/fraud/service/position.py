"""Places of the outbox as callers see them: opaque, for callers to send back and not to read."""

from __future__ import annotations

import base64
import struct

from services.fraud.adapters.outbox_rows import Place
from services.fraud.errors import position_invalid

__all__ = ["decode", "encode"]

_LAYOUT = struct.Struct(">qq")


def encode(place: Place) -> str:
    """Returns a place as 22 characters of base64url (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(_LAYOUT.pack(*place)).decode().rstrip("=")


def decode(position: str) -> Place:
    """Reads a place. Raises VALIDATION_FAILED for anything that `encode` does not return."""
    try:
        place = Place(*_LAYOUT.unpack(base64.urlsafe_b64decode(position + "==")))
    except (ValueError, struct.error):
        raise position_invalid() from None
    if min(place) < 0 or encode(place) != position:
        raise position_invalid()
    return place
