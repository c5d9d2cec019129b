"""Finds in PostgreSQL the labels that the entity logs have not been told, and those whose transactions have come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from uuid import UUID

from meshkit.storage.postgres import Connection, Pool, connected, transaction
from services.fraud.adapters.label_events import tell_of_labels
from services.fraud.adapters.label_rows import LABEL_COLUMNS, label_of
from services.fraud.adapters.logs.postgres_history import EVENT_COLUMNS, event_of
from services.fraud.domain.event import StoredEvent
from services.fraud.domain.labels.label import StoredLabel
from services.fraud.ports.labels import MatchedLabels

__all__ = ["PostgresUntoldLabels"]

REFUSED_ARRIVAL = 0
"""Of a label that counts nowhere."""

_TENANTS = """
SELECT DISTINCT tenant_id FROM labels WHERE arrival IS NULL"""
_WAITING = """
SELECT transaction_id FROM labels
WHERE tenant_id = $1 AND decision_id IS NULL AND transaction_id > $2
GROUP BY transaction_id ORDER BY transaction_id LIMIT $3"""
_MATCH = f"""
UPDATE labels AS l SET decision_id = found.decision_id, refused = l.known_time < found.event_time,
    arrival = CASE WHEN l.known_time < found.event_time THEN {REFUSED_ARRIVAL} END
FROM (
    SELECT t.transaction_id, t.decision_id, d.event_time FROM transactions AS t
    JOIN decisions AS d ON d.tenant_id = $1 AND d.decision_id = t.decision_id
    WHERE t.tenant_id = $1 AND t.transaction_id = ANY ($2::text[])
) AS found
WHERE l.tenant_id = $1 AND l.transaction_id = found.transaction_id AND l.decision_id IS NULL
RETURNING {", ".join(f"l.{each.strip()}" for each in LABEL_COLUMNS.split(","))}"""
_UNTOLD = f"""
SELECT {LABEL_COLUMNS} FROM labels
WHERE tenant_id = $1 AND arrival IS NULL AND decision_id IS NOT NULL AND create_time < $2
ORDER BY label_id LIMIT $3"""
_OF = f"""
SELECT {LABEL_COLUMNS} FROM labels
WHERE tenant_id = $1 AND transaction_id = ANY ($2::text[]) AND NOT refused ORDER BY transaction_id, number"""
_EVENTS = f"SELECT {EVENT_COLUMNS} FROM decisions AS d WHERE d.tenant_id = $1 AND d.decision_id = ANY ($2::uuid[])"
_TOLD = """
UPDATE labels SET arrival = $3 WHERE tenant_id = $1 AND label_id = ANY ($2::uuid[]) AND arrival IS NULL"""


class PostgresUntoldLabels:
    """Implements `UntoldLabels`: tenants are found by the relay's role, the rest is the service's.

    `on_commit` is told that the outbox has more.
    """

    def __init__(self, relay: Pool, service: Pool, on_commit: Callable[[], None] = lambda: None) -> None:
        self._relay = relay
        self._service = service
        self._on_commit = on_commit

    async def tenants(self) -> Sequence[str]:
        async with connected(self._relay) as connection:
            return [str(row["tenant_id"]) for row in await connection.fetch(_TENANTS)]

    async def match(self, tenant_id: str, after: str, limit: int) -> MatchedLabels:
        async with transaction(self._service, [tenant_id]) as connection:
            rows = await connection.fetch(_WAITING, tenant_id, after, limit)
            waiting = [row["transaction_id"] for row in rows]
            found = await connection.fetch(_MATCH, tenant_id, waiting) if waiting else ()
            matched = [each for each in map(label_of, found) if not each.refused]
            if matched:
                # In their order, so that whoever takes them one by one ends with the one in effect.
                labels = await _of(connection, tenant_id, {each.transaction_id for each in matched})
                await tell_of_labels(connection, tenant_id, labels, datetime.now(UTC))
        if matched:
            self._on_commit()
        return MatchedLabels(matched, waiting[-1] if len(waiting) == limit else "")

    async def untold(self, tenant_id: str, stored_before: datetime, limit: int) -> Sequence[StoredLabel]:
        async with transaction(self._service, [tenant_id]) as connection:
            rows = await connection.fetch(_UNTOLD, tenant_id, stored_before, limit)
        return [label_of(row) for row in rows]

    async def of(self, transaction_ids: Collection[str], tenant_id: str) -> Sequence[StoredLabel]:
        if not transaction_ids:
            return ()
        async with transaction(self._service, [tenant_id]) as connection:
            return await _of(connection, tenant_id, transaction_ids)

    async def events(self, tenant_id: str, decisions: Collection[UUID]) -> Sequence[StoredEvent]:
        async with transaction(self._service, [tenant_id]) as connection:
            rows = await connection.fetch(_EVENTS, tenant_id, list(decisions))
        return list(map(event_of, rows))

    async def told(self, tenant_id: str, labels: Sequence[StoredLabel], arrival: int) -> None:
        async with transaction(self._service, [tenant_id]) as connection:
            await connection.execute(_TOLD, tenant_id, [each.label_id for each in labels], arrival)


async def _of(connection: Connection, tenant_id: str, transaction_ids: Collection[str]) -> Sequence[StoredLabel]:
    return [label_of(row) for row in await connection.fetch(_OF, tenant_id, list(transaction_ids))]
