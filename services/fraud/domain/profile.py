"""What a tenant knows about a user."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """What the tenant knows about the user."""

    known: bool = False
    base_risk: float = 0.1
    tier: str = "standard"
    chargeback_count: int = 0
