"""Tells the other services of labels, in the transaction that makes what is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from meshkit.storage.postgres import Connection
from services.fraud.convert import label_to_event
from services.fraud.domain.labels.label import StoredLabel

__all__ = ["tell_of_labels"]

_TELL = "INSERT INTO outbox (tenant_id, payload) SELECT $1, unnest($2::bytea[])"


async def tell_of_labels(
    connection: Connection, tenant_id: str, labels: Sequence[StoredLabel], at: datetime | None = None
) -> None:
    """Tells of labels of a tenant as of a time, or as of when each was stored."""
    events = [label_to_event(tenant_id, each, at or each.created_at) for each in labels]
    await connection.execute(_TELL, tenant_id, events)
