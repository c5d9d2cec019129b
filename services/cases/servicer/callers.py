"""What a caller may see."""

from __future__ import annotations

from meshkit.context import Principal

__all__ = ["sees_pii"]

PII = "pii:read"


def sees_pii(caller: Principal) -> bool:
    """Tells whether people, cards and notes are shown as they are."""
    return PII in caller.scopes
