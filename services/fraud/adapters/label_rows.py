"""Makes rows of labels, and labels of rows."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from services.fraud.domain.event import Money
from services.fraud.domain.labels.label import LabelKind, StoredLabel

__all__ = ["LABEL_COLUMNS", "label_of", "label_row"]

LABEL_COLUMNS = (
    "transaction_id, number, label_id, label, source, reason, amount_minor, currency, known_time, decision_id, "
    "refused, created_by, create_time"
)


def label_row(label: StoredLabel) -> Sequence[object]:
    """Returns the values of `LABEL_COLUMNS`."""
    amount = label.amount
    return (
        label.transaction_id,
        label.number,
        label.label_id,
        label.kind.value,
        label.source,
        label.reason,
        amount.minor if amount is not None else None,
        amount.currency if amount is not None else None,
        label.known_at,
        label.decision_id,
        label.refused,
        label.created_by,
        label.created_at,
    )


def label_of(row: asyncpg.Record) -> StoredLabel:
    minor = row["amount_minor"]
    return StoredLabel(
        label_id=str(row["label_id"]),
        number=row["number"],
        transaction_id=row["transaction_id"],
        kind=LabelKind(row["label"]),
        source=row["source"],
        reason=row["reason"],
        amount=Money(minor, row["currency"]) if minor is not None else None,
        known_at=row["known_time"],
        decision_id=str(row["decision_id"]) if row["decision_id"] is not None else None,
        refused=row["refused"],
        created_by=row["created_by"],
        created_at=row["create_time"],
    )
