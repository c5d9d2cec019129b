"""Ports of decisions: their store and log, the outbox, and what tenants tell about users and currencies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from meshkit.context import CallContext
from meshkit.errors import MeshError
from services.fraud.domain.check import Decided, Key
from services.fraud.domain.ip_signals import IpSignals
from services.fraud.domain.outbox import BEGINNING, OutboxPage, Place, PlaceProof, StoredPage
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import DatedRate
from services.fraud.domain.watching import Committed

__all__ = [
    "Admits",
    "CommitResult",
    "DecisionFilter",
    "DecisionLog",
    "DecisionStore",
    "IpIntelligence",
    "LogPage",
    "OldDecisions",
    "Outbox",
    "RateStore",
    "RiskProfiles",
    "Stored",
    "StoredDecision",
    "StoredEvents",
]


class RiskProfiles(Protocol):
    """The risk profiles of users."""

    async def read(self, calls: Sequence[tuple[CallContext, str, str]], seconds: float) -> Sequence[Profile | None]:
        """Returns the profile for each (call, tenant_id, user_id); None for one that cannot be read in so many seconds.

        It may be given up earlier.
        """
        ...


class IpIntelligence(Protocol):
    """What is known about addresses. Neither member waits or raises."""

    @property
    def missing(self) -> Collection[str]:
        """Those of `ip_signals.FROM_FILES` that are not known, or not wholly: a file is not named or cannot be used."""
        ...

    def look_up(self, address: str) -> IpSignals | None:
        """Returns the signals of an address, mapped IPv4 being IPv4; None for what is no address."""
        ...


Admits = Callable[[Sequence[DatedRate]], bool]
"""Tells whether a table that is there may be replaced."""


class RateStore(Protocol):
    """The exchange rates that tenants have given. Every method raises MeshError UNAVAILABLE during an outage."""

    async def read(self, tenants: Collection[str]) -> Mapping[str, Sequence[DatedRate]]:
        """Returns the rates of these tenants; one without any may be left out."""
        ...

    async def replace(self, tenant_id: str, rates: Sequence[DatedRate], admits: Admits | None = None) -> bool:
        """Stores the rates in place of those there are, as a whole, if these are admitted; else returns False."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store holds under a key."""

    fingerprint: bytes
    answer: bytes
    """The decision as it was answered, serialised."""
    create_time: datetime


class StoredDecision(NamedTuple):
    """A decision as its row has it, serialised."""

    answer: bytes
    inputs: bytes
    fields: bytes
    """Of the event that it is about."""


class CommitResult(NamedTuple):
    """What a commit has led to, by key: each key of the commit is in one of the two, unless its tenant is `unsure`."""

    answers: Mapping[Key, bytes]
    """The answer of each decision that is stored by this commit, serialised as it is stored."""
    earlier: Mapping[Key, Stored | MeshError]
    """What was stored under a key before, or why its row cannot be stored."""
    unsure: frozenset[str] = frozenset()
    """Tenants whose logs may lack something: of their rows none that was decided from the logs is stored."""


@dataclass(frozen=True, slots=True)
class DecisionFilter:
    """Which decisions to list. Empty fields do not restrict."""

    user_id: str = ""
    outcome: str = ""
    transaction_id: str = ""


class DecisionStore(Protocol):
    """Durable decisions, each with its outbox event. Answers are serialised, so that they stay equal byte by byte."""

    async def commit(self, decided: Sequence[Decided]) -> CommitResult:
        """Stores decisions, sorted by key, with their events in one commit. Answers may be sent once this returns.

        Raises MeshError UNAVAILABLE; a call with the same keys then finds what was stored nevertheless.
        """
        ...

    async def get(self, tenant_id: str, decision_id: UUID) -> StoredDecision | None: ...

    async def list(self, tenant_id: str, only: DecisionFilter, before: UUID | None, limit: int) -> Sequence[bytes]:
        """Returns answers, newest first, of decisions older than `before`."""
        ...

    async def existing(self, keys: Sequence[Key]) -> set[Key]:
        """Returns those of the keys that are stored."""
        ...

    async def stored(self, keys: Sequence[Key]) -> Mapping[Key, Stored]:
        """Returns what is stored of the keys. Never waits for what commits need."""
        ...


@dataclass(frozen=True, slots=True)
class LogPage:
    """Decisions that follow a place."""

    rows: Sequence[Committed]
    reached: Place
    """All decisions up to here are in this page or before it, and no later commit can precede it."""
    more: bool
    """True if the page was cut short: what follows can be read at once."""


class DecisionLog(Protocol):
    """The decisions in the order of their commits. Every method raises MeshError UNAVAILABLE during an outage."""

    async def newest(self) -> Place:
        """Returns a place that every decision follows whose commit begins after this call."""
        ...

    async def read(self, tenants: Collection[str], after: Place, limit: int) -> LogPage:
        """Reads up to `limit` decisions of these tenants, and of no other, that follow a place.

        Raises STREAM_POSITION_LOST if rows that follow the place were pruned, or if it is of another database.
        """
        ...


class Outbox(Protocol):
    """The events of all tenants, for consumers that missed them on the event stream."""

    async def read(
        self, consumer: str, after: Place = BEGINNING, limit: int = 0, proof: PlaceProof = PlaceProof()
    ) -> OutboxPage:
        """Returns up to `limit` events after a place, and takes the place as the consumer's acknowledgement.

        0 is the default limit. Raises MeshError: UNAVAILABLE while the store cannot be used, STREAM_POSITION_LOST if
        not all that follows the place can be read, or if it is not the place that `proof` says.
        """
        ...


class StoredEvents(Protocol):
    """The events of all stored decisions, for consumers that have lost their place in the outbox."""

    async def read(self, after: tuple[str, str], limit: int = 0) -> StoredPage:
        """Returns up to `limit` events, 0 being the default, after a decision of a tenant; both nil at first.

        Raises MeshError UNAVAILABLE while the store cannot be used.
        """
        ...


class OldDecisions(Protocol):
    """Decisions that have been kept for the time that their tenants want."""

    async def prepare(self) -> None:
        """Makes room for the decisions of the months to come."""
        ...

    async def next_tenant(self, after: str) -> str | None:
        """Returns the first tenant after one that has decisions, in the order of their identifiers."""
        ...

    async def delete(self, tenant_id: str) -> int:
        """Deletes a slice of the old decisions of a tenant and returns how many; 0 if there are no more."""
        ...
