"""Schedules the rotation of signing keys: published → signing → retired → gone.

A key is published for a while before it signs, so that every verifier has it by then, and stays published after its
successor took over until the last token that it signed has expired. Times are seconds since the epoch.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["KeySchedule", "SigningKey"]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key as stored."""

    kid: str
    """RFC 7638 thumbprint."""
    encrypted_key: bytes
    public_key: dict[str, str]
    """Members of the public JWK."""
    created_at: float
    active_at: float
    """When the key signs its first token."""


@dataclass(frozen=True, slots=True)
class KeySchedule:
    """When keys change, in seconds."""

    publish_ahead: float
    """From publication to the first signature: longer than verifiers and replicas keep an older key set."""
    use: float
    """From the first signature to that of the successor."""
    token_life: float

    def signing(self, keys: Sequence[SigningKey], now: float) -> SigningKey | None:
        """Returns the key that signs now: the latest of those that have become active."""
        active = [key for key in keys if key.active_at <= now]
        return max(active, key=_order, default=None)

    def successor_due(self, keys: Sequence[SigningKey], now: float) -> bool:
        """Tells whether a new key is to be published now."""
        newest = max((key.active_at for key in keys), default=None)
        return newest is None or now >= newest + self.use - self.publish_ahead

    def activation(self, keys: Sequence[SigningKey], now: float) -> float:
        """Returns when a key created now becomes active. The first one ever has nothing to wait for."""
        return now + self.publish_ahead if keys else now

    def gone(self, keys: Sequence[SigningKey], now: float) -> list[SigningKey]:
        """Returns the keys of which no valid token is left."""
        pairs = itertools.pairwise(sorted(keys, key=_order))
        return [key for key, successor in pairs if successor.active_at + self.token_life < now]


def _order(key: SigningKey) -> tuple[float, str]:
    return key.active_at, key.kid
