"""The ledger of decided transactions: what it holds, and whether it follows the decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

__all__ = ["DailyTotal", "LedgerState", "Transaction"]


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
class LedgerState:
    """Whether the ledger follows the decisions."""

    lost: str = ""
    """Why it cannot go on from its position; empty while it can."""
    rebuilding: bool = False
    decisions: int = 0
    """Read by the rebuild."""
