"""Describes devices that are let in by a code which a person types elsewhere (RFC 8628)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

__all__ = [
    "DEVICE_LIFE",
    "INTERVAL",
    "DeviceAuthorization",
    "DeviceState",
    "NewDevice",
    "new_user_code",
    "read_user_code",
    "user_code_hash",
]

DEVICE_LIFE = timedelta(minutes=10)
INTERVAL = 5
"""Seconds between two questions of a device, and by how many more it is told to wait if it does not."""
# RFC 8628, section 6.1: no vowels, so no words; nothing that is mistaken for something else. 34.5 bits in 8 characters.
_ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
_HALF = 4
_USER_CODE = re.compile(f"[{_ALPHABET}]{{{2 * _HALF}}}")
_SEPARATORS = re.compile(r"[\s.\-_]+")
_MAX_TYPED = 16


class DeviceState(Enum):
    """What the person has said."""

    PENDING = "pending"
    ALLOWED = "allowed"
    DENIED = "denied"
    REDEEMED = "redeemed"
    """The device has its tokens, which it gets once."""


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """A device that waits to be let in."""

    device_hash: bytes
    user_code_hash: bytes
    client_id: str
    scopes: frozenset[str]
    expires_at: datetime
    interval: int = INTERVAL
    asked_at: datetime | None = None
    """When the device last asked."""
    state: DeviceState = DeviceState.PENDING
    tenant_id: str = ""
    member_id: str = ""
    session_id: str = ""
    methods: frozenset[str] = frozenset()
    authenticated_at: datetime | None = None

    def too_soon(self, now: datetime) -> bool:
        """Tells whether the device asks more often than it was told."""
        return self.asked_at is not None and now < self.asked_at + timedelta(seconds=self.interval)

    def asked(self, now: datetime) -> DeviceAuthorization:
        """Returns the authorization after a question; one that came too soon makes all others wait longer (3.5)."""
        return replace(self, asked_at=now, interval=self.interval + (INTERVAL if self.too_soon(now) else 0))


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device that begins to wait."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)
    expires_in: int
    """Seconds."""
    interval: int
    """Seconds between two questions."""


def new_user_code() -> str:
    """Returns a code for people: "WDJB-MJHT"."""
    code = "".join(secrets.choice(_ALPHABET) for _ in range(2 * _HALF))
    return f"{code[:_HALF]}-{code[_HALF:]}"


def user_code_hash(code: str, key: bytes) -> bytes:
    """Returns what is stored of a code for people: it is too short for a hash without a key."""
    return hmac.digest(key, code.encode(), hashlib.sha256)


def read_user_code(typed: str) -> str | None:
    """Returns what a person typed as the code was made, however it is spaced and in any case; None for no code."""
    code = _SEPARATORS.sub("", typed).upper() if len(typed) <= _MAX_TYPED else ""
    return f"{code[:_HALF]}-{code[_HALF:]}" if _USER_CODE.fullmatch(code) else None
