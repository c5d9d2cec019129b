"""Describes what members have consented to: clients get codes for it without asking them again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["MOST_CONSENTS", "Consent"]

MOST_CONSENTS = 200
"""Of one member that are shown, the latest."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What a member lets one client do."""

    client_id: str
    scopes: frozenset[str]
    created_at: datetime
    """When it was first given."""
    updated_at: datetime
    """When it last became more, or was given again."""
    client_name: str = ""
    """Of its client now; not stored."""
