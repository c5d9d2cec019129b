"""Entities of the directory of users: users, risk profiles, changes of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

__all__ = [
    "ABSENT",
    "DEFAULT_BASE_RISK",
    "DEFAULT_TIER",
    "ProfileChange",
    "Revision",
    "RiskProfile",
    "User",
    "UserChange",
    "unknown_profile",
]

DEFAULT_BASE_RISK = 0.1
DEFAULT_TIER = "standard"
ABSENT = UUID("00000000-0000-8000-8000-000000000000")
"""Tag of the profile of whom nothing is stored, so that it can be a condition as well. No stored state has it."""


@dataclass(frozen=True, slots=True)
class User:
    """A customer of the tenant. Empty text means unknown."""

    user_id: str
    display_name: str
    email: str
    phone: str
    country: str
    created_at: datetime
    updated_at: datetime
    tag: UUID
    """Names this state of the user: every change, also one of the profile, gives it another."""


@dataclass(frozen=True, slots=True)
class UserChange:
    """New values of a user's fields; None leaves a field as it is."""

    display_name: str | None = None
    email: str | None = None
    phone: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class RiskProfile:
    """Risk of a user as the tenant sees it."""

    user_id: str
    known: bool
    """False if the tenant has not created the user."""
    base_risk: float
    """Prior probability of fraud, 0 to 1."""
    tier: str
    chargeback_count: int
    country: str
    created_at: datetime | None
    """When the user was created; None if the tenant has not."""
    tag: UUID
    """Names this state of the profile."""


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """New values of a profile's fields; None leaves a field as it is."""

    base_risk: float | None = None
    tier: str | None = None
    chargeback_count: int | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """What a change is made with besides the new values."""

    at: datetime
    tag: UUID
    """Of the state that the change makes."""
    of: UUID | None = None
    """Tag of the state that the caller wants to change; None for whichever there is."""


def unknown_profile(user_id: str) -> RiskProfile:
    """Returns the profile of a user of whom nothing is stored."""
    return RiskProfile(user_id, False, DEFAULT_BASE_RISK, DEFAULT_TIER, 0, "", None, ABSENT)
