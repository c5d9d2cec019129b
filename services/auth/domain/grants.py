"""Describes what clients were let do by people: codes, grants, and the refresh tokens that keep a grant going.

A refresh token names its grant and its place in the row of tokens of that grant, with a proof (HMAC) that needs both a
key of the service and a seed that is stored with the grant: neither a copy of the database nor the key alone makes one.
As a token follows from its place, whoever repeats a refresh whose answer was lost gets the same successor.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple
from uuid import UUID

from services.auth.domain.secrets import REFRESH_TOKEN
from services.auth.domain.token_binding import NOT_BOUND, TokenBinding

__all__ = [
    "AuthorizationCode",
    "Grant",
    "RefreshLimits",
    "RefreshName",
    "TokenRotation",
    "judge_refresh",
    "read_refresh",
    "refresh_token",
]

_TOKEN = re.compile(r"rrt_[A-Za-z0-9_-]{70}")
_GENERATION_BYTES = 4


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A code on its way from the browser to the client, good once and for a minute."""

    code_hash: bytes
    tenant_id: str
    member_id: str
    session_id: str
    client_id: str
    redirect_uri: str
    scopes: frozenset[str]
    code_challenge: str
    nonce: str
    dpop_jkt: str
    """Thumbprint of the key that must redeem it; empty for any."""
    methods: frozenset[str]
    authenticated_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client was let do by a member. Access tokens of it carry its identifier as `sid`."""

    grant_id: str
    tenant_id: str
    member_id: str
    client_id: str
    session_id: str
    """Session in which it was made; empty if it outlives that."""
    scopes: frozenset[str]
    methods: frozenset[str]
    authenticated_at: datetime
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    seed: bytes = field(repr=False)
    """32 random bytes of which its refresh tokens are made."""
    generation: int = 0
    """Place of the current refresh token."""
    rotated_at: datetime | None = None
    """When the current refresh token was made of its predecessor."""
    bound: TokenBinding = NOT_BOUND
    """What its refresh tokens are bound to."""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefreshLimits:
    """How long a grant can be kept going."""

    absolute: timedelta = timedelta(days=30)
    """From when it was made."""
    idle: timedelta = timedelta(days=7)
    """From its last refresh."""
    grace: timedelta = timedelta(seconds=10)
    """For which the predecessor of a refresh token still gets that same token, and is no sign of a theft."""

    def good(self, grant: Grant, now: datetime) -> bool:
        """Tells whether the grant counts."""
        return grant.ended_at is None and now < grant.expires_at and now < grant.used_at + self.idle


class TokenRotation(Enum):
    """What becomes of a refresh token that is used."""

    NEXT = "next"
    """It is the current one: a successor takes its place."""
    SAME = "same"
    """It was followed a moment ago: its successor is given again."""
    REUSED = "reused"
    """It was followed long ago: somebody else has a copy. The grant ends."""


class RefreshName(NamedTuple):
    """What a refresh token says of itself, unproven."""

    grant_id: str
    generation: int


def judge_refresh(grant: Grant, generation: int, now: datetime, grace: timedelta) -> TokenRotation:
    """Returns what becomes of a token of the grant whose proof is good."""
    if generation == grant.generation:
        return TokenRotation.NEXT
    followed = grant.rotated_at
    recent = followed is not None and now < followed + grace
    return TokenRotation.SAME if generation == grant.generation - 1 and recent else TokenRotation.REUSED


def refresh_token(grant_id: str, generation: int, seed: bytes, key: bytes) -> str:
    """Returns the refresh token at a place in the row of the grant."""
    name = UUID(grant_id).bytes + generation.to_bytes(_GENERATION_BYTES)
    proof = hmac.digest(key, seed + name, hashlib.sha256)
    return REFRESH_TOKEN + base64.urlsafe_b64encode(name + proof).rstrip(b"=").decode()


def read_refresh(token: str) -> RefreshName | None:
    """Reads the place that a refresh token names; None if it is none."""
    if _TOKEN.fullmatch(token) is None:
        return None
    raw = base64.urlsafe_b64decode(token.removeprefix(REFRESH_TOKEN) + "==")
    return RefreshName(str(UUID(bytes=raw[:16])), int.from_bytes(raw[16 : 16 + _GENERATION_BYTES]))
