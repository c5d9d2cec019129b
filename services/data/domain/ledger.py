"""The ledger of decided transactions: what it holds and how it follows the decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

__all__ = ["BEGINNING", "NO_BATCH", "Batch", "DailyTotal", "Position", "Rejected", "Transaction"]


class Position(NamedTuple):
    """How far the ledger has followed: the place of the last decision in the fraud service's outbox."""

    xid: int
    seq: int


BEGINNING = Position(0, 0)


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
