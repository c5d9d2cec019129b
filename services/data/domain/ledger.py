"""The ledger of decided transactions: what it holds and how it follows the decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

__all__ = [
    "BEGINNING",
    "FIRST",
    "NO_BATCH",
    "Batch",
    "Cursor",
    "DailyTotal",
    "DecidedPage",
    "LedgerState",
    "Position",
    "Proof",
    "Rebuild",
    "Rejected",
    "Transaction",
]


class Position(NamedTuple):
    """How far the ledger has followed: the place of the last decision in the fraud service's outbox."""

    xid: int
    seq: int


BEGINNING = Position(0, 0)


class Proof(NamedTuple):
    """What tells that the outbox is still the one that the ledger has followed. Empty parts are unknown."""

    cluster: str = ""
    """Identifies the PostgreSQL cluster that gave the position out."""
    event: bytes = b""
    """SHA-256 of the event at the position."""


UNKNOWN = Proof()


class Transaction(NamedTuple):
    """A decided transaction. A tuple because thousands are made a second; fields are in the order of the table."""

    tenant_id: str
    transaction_id: str
    decision_id: str
    user_id: str
    merchant_id: str
    """Empty means none."""
    amount: Decimal
    """Exact, with as many digits after the point as the currency has."""
    currency: str
    channel: str
    outcome: str
    confidence_score: float
    event_time: datetime
    decide_time: datetime


@dataclass(frozen=True, slots=True)
class DailyTotal:
    """Sums over the transactions of one day (UTC) of one tenant."""

    day: date
    currency: str
    outcome: str
    count: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that cannot enter the ledger, whole, and why."""

    payload: bytes
    error: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive events: all that there are after `after`, up to `last`."""

    after: Position
    last: Position
    transactions: Sequence[Transaction]
    payloads: Sequence[bytes]
    """The event of each transaction, at the same index."""
    rejected: Sequence[Rejected] = ()
    proof: Proof = UNKNOWN
    """Of `last`."""
    relay: str = ""
    """Who has published it on the event stream, another after each interruption; empty for what came otherwise."""

    def __len__(self) -> int:
        """Returns the number of events."""
        return len(self.transactions) + len(self.rejected)

    def continues(self, stored: Position) -> bool:
        """Tells whether applying this batch leaves nothing out and adds something.

        It may begin before `stored`: what is in the ledger already is not entered twice.
        """
        return self.after <= stored < self.last

    @property
    def tenants(self) -> set[str]:
        return {transaction.tenant_id for transaction in self.transactions}


NO_BATCH = Batch(BEGINNING, BEGINNING, (), ())
"""What an entry is that cannot be read: it continues nothing."""


class Cursor(NamedTuple):
    """A decision of a tenant, in the order in which a rebuild reads them."""

    tenant_id: str
    decision_id: str


FIRST = Cursor("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000")
"""Before every decision."""


@dataclass(frozen=True, slots=True)
class Rebuild:
    """How far the ledger has read the decisions, to have what it lost its place among."""

    after: Cursor = FIRST
    begun: bool = False
    """False before the first page, which fixes where the outbox will be followed from."""


@dataclass(frozen=True, slots=True)
class DecidedPage:
    """Events of decisions that follow a cursor."""

    batch: Batch
    """Its `last` is a place in the outbox: what was committed before is in this page or in those that follow."""
    following: Cursor | None
    """None if there are no more."""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """Whether the ledger follows the decisions."""

    lost: str = ""
    """Why it cannot go on from its position; empty while it can."""
    rebuilding: bool = False
    decisions: int = 0
    """Read by the rebuild."""
