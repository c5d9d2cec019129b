"""Labels for tests of the fraud service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from meshkit.ids import uuid7_text
from services.fraud.domain.event import StoredEvent
from services.fraud.domain.labels.label import LabelKind, NewLabel, StoredLabel

__all__ = ["NOW", "event", "label", "said"]

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def said(transaction_id: str = "tx-1", kind: str = "fraud", *, known: datetime | None = None, **more: Any) -> NewLabel:
    """Returns what somebody says of a transaction."""
    values = {"source": "analyst", **more}
    return NewLabel(transaction_id=transaction_id, kind=LabelKind(kind), known_at=known, **values)


def label(number: int = 1, kind: str = "fraud", *, known: datetime = NOW, **more: Any) -> StoredLabel:
    """Returns a label of the transaction tx-1 as it is kept."""
    values: dict[str, Any] = {
        "label_id": uuid7_text(), "transaction_id": "tx-1", "source": "analyst", "reason": "", "amount": None,
        "decision_id": uuid7_text(), "refused": False, "created_by": "alice", "created_at": NOW,
    } | more  # fmt: skip
    return StoredLabel(number=number, kind=LabelKind(kind), known_at=known, **values)


def event(transaction_id: str = "tx-1", when: datetime = NOW - timedelta(days=1), **fields: str) -> StoredEvent:
    """Returns a payment by a user, which was decided when it happened."""
    return StoredEvent(transaction_id, "payment", when, when, {"user_id": "u1", **fields})
