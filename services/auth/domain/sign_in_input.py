"""Describes what a person gives to sign in, and from where."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.auth.domain.members import SecondFactor

__all__ = ["Browser", "GivenFactor", "GivenPassword"]


@dataclass(frozen=True, slots=True)
class Browser:
    """Where an attempt comes from, for limits; nothing of it is stored as it is."""

    address: str = ""
    device: str = field(default="", repr=False)
    """Secret by which a browser is known again; empty for one that is new."""


@dataclass(frozen=True, slots=True)
class GivenPassword:
    """What a person gives first."""

    tenant: str
    """Name; of no account where the attempt knows the tenant."""
    email: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GivenFactor:
    """What a person gives to prove again who it is, or a passkey as the first."""

    factor: SecondFactor
    given: str = field(repr=False)
