"""Entities of idempotency: requests that have a name, and what was answered to them (AIP-155)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

__all__ = ["Answered", "NamedRequest"]


@dataclass(frozen=True, slots=True)
class NamedRequest:
    """What a caller asks for under a name of its choice."""

    request_id: UUID
    method: str
    fingerprint: bytes
    """Equal for equal content."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to the request that had the name first."""

    method: str
    fingerprint: bytes
    response: bytes
    """The serialised response."""

    def answers(self, request: NamedRequest) -> bool:
        """Tells whether a request is the same again."""
        return (self.method, self.fingerprint) == (request.method, request.fingerprint)
