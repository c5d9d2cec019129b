"""What the pipeline needs from outside. Each port has a twin in memory that passes the same conformance suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from meshkit.context import CallContext
from meshkit.errors import MeshError
from services.fraud.domain.check import Check, Decided, Features, Key
from services.fraud.domain.rules import Profile

__all__ = ["DecisionFilter", "DecisionStore", "RiskProfiles", "Stored", "Windows", "WindowsUnavailableError"]


class WindowsUnavailableError(Exception):
    """The windows cannot be read now. The message says why, for the log."""


class Windows(Protocol):
    """The sliding windows of the subjects."""

    async def reserve(self, checks: Sequence[Check]) -> Sequence[Features]:
        """Reads the features of each check and adds it to its windows, in order, in one atomic step.

        Idempotent by the check's key. Raises WindowsUnavailableError.
        """
        ...

    def settle(self, committed: Sequence[Key], withdrawn: Sequence[Key]) -> None:
        """Says which reservations stay and which go. Never waits; what is not settled is looked up later."""
        ...


class RiskProfiles(Protocol):
    """The risk profiles of users."""

    async def read(self, calls: Sequence[tuple[CallContext, str, str]]) -> Sequence[Profile | None]:
        """Returns the profile for each (call, tenant_id, user_id); None for one that cannot be read in time."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store holds under a key."""

    fingerprint: bytes
    answer: bytes
    create_time: datetime


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which decisions to list. Empty fields do not restrict."""

    user_id: str = ""
    outcome: str = ""
    transaction_id: str = ""


class DecisionStore(Protocol):
    """Durable decisions, each with its outbox event."""

    async def commit(self, decided: Sequence[Decided]) -> Mapping[Key, Stored | MeshError]:
        """Stores decisions, sorted by key, with their events in one commit.

        Returns what was stored under a key before, or why its row cannot be stored. Of every other decision the answer
        may be sent once this returns. Raises MeshError UNAVAILABLE; a call with the same keys then finds what
        was stored nevertheless.
        """
        ...

    async def get(self, tenant_id: str, decision_id: UUID) -> tuple[bytes, bytes] | None:
        """Returns answer and inputs."""
        ...

    async def list(self, tenant_id: str, only: DecisionFilter, before: UUID | None, limit: int) -> Sequence[bytes]:
        """Returns answers, newest first, of decisions older than `before`."""
        ...

    async def existing(self, keys: Sequence[Key]) -> set[Key]:
        """Returns those of the keys that are stored."""
        ...

    async def features(self, checks: Sequence[Check], now: datetime) -> Sequence[Features]:
        """Computes the features from the stored decisions: slower, and concurrent checks do not see each other."""
        ...
