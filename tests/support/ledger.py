"""Transactions and batches for tests of the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from meshkit.following.batches import Batch, Position, Rejected
from services.data.domain.ledger import Transaction

__all__ = ["NOON", "batch", "tenant", "transaction"]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def tenant() -> str:
    """Returns a tenant that no other test uses."""
    return str(uuid.uuid4())


def transaction(tenant_id: str, name: str, *, minutes: float = 0, amount: str = "12.50", **changes: Any) -> Transaction:
    """Returns an approved payment, `minutes` after noon."""
    time = NOON + timedelta(minutes=minutes)
    found = Transaction(
        tenant_id, name, str(uuid.uuid5(uuid.NAMESPACE_OID, tenant_id + name)), "user-1", "shop-1", Decimal(amount),
        "USD", "online", "approve", 0.125, time, time + timedelta(seconds=1),
    )  # fmt: skip
    return found._replace(**changes)


def batch(
    after: Position, transactions: Sequence[Transaction], *rejected: Rejected, places: int = 0
) -> Batch[Transaction]:
    """Returns a batch that follows `after`, each transaction one place further."""
    last = Position(after.xid + (places or len(transactions) + len(rejected)), 1)
    payloads = [f"{entry.tenant_id}/{entry.transaction_id}".encode() for entry in transactions]
    return Batch(after, last, transactions, payloads, rejected)
