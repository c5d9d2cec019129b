"""Derives identifiers from an idempotency key, the same through whichever gateway."""

from __future__ import annotations

from hashlib import sha256
from uuid import UUID

__all__ = ["KeyIds"]

_NAMESPACE = b"rampart idempotency key"


class KeyIds:
    """Gives UUIDv8s (RFC 9562, section 5.8 and appendix B.2) for the places of one request.

    `scope` says whose key it is and for what, the key last: the same key of another client, or for another method, is
    another key.
    """

    def __init__(self, *scope: str) -> None:
        self._hash = sha256(_NAMESPACE)
        for part in scope:
            self._add(part)
        self.given: set[str] = set()
        """Every identifier that was asked for."""

    @property
    def name(self) -> bytes:
        """Names the key where the answer is remembered. The key itself cannot be read from it."""
        return self._hash.digest()[:16]

    def __call__(self, place: str) -> str:
        """Returns the identifier for the field at a place of the request."""
        text = str(self._at(place))
        self.given.add(text)
        return text

    def _at(self, place: str) -> UUID:
        found = self._hash.copy()
        found.update(_sized(place))
        number = int.from_bytes(found.digest()[:16]) & ~(0xF << 76) & ~(0b11 << 62)
        return UUID(int=number | 0x8 << 76 | 0b10 << 62)

    def _add(self, part: str) -> None:
        self._hash.update(_sized(part))


def _sized(part: str) -> bytes:
    """Tells ("a", "bc") from ("ab", "c")."""
    data = part.encode()
    return len(data).to_bytes(4) + data
