"""Reads the history of keys from the stored decisions, under row-level security."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from meshkit.storage.postgres import ACQUIRE_TIMEOUT, Connection, Pool, transaction
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.read_ahead import pages_ahead
from services.fraud.convert import fields_from_record, geo_point_from_record
from services.fraud.domain.event import SaidOfEvent, StoredEvent, key_hash
from services.fraud.ports import HistoryKey, KeyHistory

__all__ = ["EVENT_COLUMNS", "PostgresHistory", "event_of"]

APART_WAIT = 1.0
"""Seconds that a check which takes long anyway waits for a connection."""
PAGE = 500
STEP = 100
"""Rows that are read back while everything else waits: about a millisecond."""
MAX_AHEAD = timedelta(minutes=5)
_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)

EVENT_COLUMNS = "d.transaction_id, d.event_type, d.event_time, d.create_time, d.event"
# Number, time in milliseconds and whether it is fraud, one after another, of transactions that a label says fraud of.
_SAID = """(
    SELECT array_agg(ARRAY[
        l.number::bigint, (extract(epoch FROM l.known_time) * 1000)::bigint,
        (l.label IN ('fraud', 'chargeback'))::integer::bigint
    ] ORDER BY l.number)
    FROM labels AS l WHERE l.tenant_id = d.tenant_id AND l.transaction_id = d.transaction_id AND NOT l.refused
    HAVING bool_or(l.label IN ('fraud', 'chargeback'))
)"""
# No decision is made earlier than its event, less what clocks may be apart: that leaves out whole partitions.
_OF_KEYS = f"""
SELECT k.n, {EVENT_COLUMNS}, CASE WHEN k.places THEN d.inputs END AS inputs,
    CASE WHEN k.labels THEN {_SAID} END AS said
FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::timestamptz[], $7::boolean[], $8::boolean[])
    AS k (n, tenant_id, hash, since, places, labels)
CROSS JOIN LATERAL (
    SELECT d.* FROM decisions d
    WHERE d.tenant_id = k.tenant_id AND d.%s = k.hash AND d.event_time > k.since
        AND d.decision_id >= first_decision_id($5)
    ORDER BY d.event_time DESC LIMIT $6
) d"""
_FIRST = """
SELECT t.tenant_id, (
    SELECT d.create_time FROM decisions d WHERE d.tenant_id = t.tenant_id ORDER BY d.decision_id LIMIT 1
) FROM unnest($1::uuid[]) AS t (tenant_id)"""
_MORE = """
SELECT count(*) > $3 FROM (
    SELECT FROM decisions d WHERE d.tenant_id = $1 AND d.decision_id >= first_decision_id($2) LIMIT $3 + 1
) d"""
_UNLOGGED = """
SELECT tenant_id, array_agg(decision) FROM log_gaps, unnest(decisions) AS decision
WHERE tenant_id = ANY ($1::uuid[]) GROUP BY tenant_id"""
_DECIDED = f"""
SELECT {EVENT_COLUMNS}, d.inputs FROM decisions d WHERE d.tenant_id = $1 AND d.decision_id = ANY ($2::uuid[])"""
_PAGE = f"""
SELECT d.decision_id, {EVENT_COLUMNS}, CASE WHEN $5 THEN d.inputs END AS inputs,
    CASE WHEN $6 THEN {_SAID} END AS said FROM decisions d
WHERE d.tenant_id = $1 AND d.decision_id > $2 AND d.decision_id >= first_decision_id($3)
ORDER BY d.decision_id LIMIT $4"""


class PostgresHistory:
    """Implements `History`. `apart` has the connections of checks that take long anyway."""

    def __init__(self, pool: Pool, keys: EventKeys, *, apart: Pool | None = None, page: int = PAGE) -> None:
        self._pool = pool
        self._apart = apart or pool
        self._page = page
        self._keys = keys

    async def read(self, keys: Sequence[HistoryKey], most: int, *, apart: bool = False) -> Sequence[KeyHistory]:
        secret = await self._keys.secret()
        rows: list[list[asyncpg.Record]] = [[] for _ in keys]
        lent, wait = (self._apart, APART_WAIT) if apart else (self._pool, ACQUIRE_TIMEOUT)
        async with transaction(lent, [key.tenant_id for key in keys], wait=wait) as connection:
            for column, places in self._by_column(keys).items():
                found = await self._fetch(connection, column, [(n, keys[n]) for n in places], most, secret)
                for start in range(0, len(found), STEP):
                    for row in found[start : start + STEP]:
                        rows[row["n"]].append(row)
                    if start + STEP < len(found):
                        await asyncio.sleep(0)
        return [await _history(key, found, most) for key, found in zip(keys, rows, strict=True)]

    async def first_decided(self, tenants: Collection[str]) -> Mapping[str, datetime]:
        async with transaction(self._pool, tenants) as connection:
            rows = await connection.fetch(_FIRST, list(tenants))
        return {str(tenant): made for tenant, made in rows if made is not None}

    async def has_more_than(self, count: int, tenant_id: str, since: datetime) -> bool:
        async with transaction(self._apart, [tenant_id], wait=APART_WAIT) as connection:
            return bool(await connection.fetchval(_MORE, tenant_id, since, count))

    async def events(
        self, tenant_id: str, since: datetime, *, places: bool = False, labels: bool = False
    ) -> AsyncIterator[Sequence[StoredEvent]]:
        asked = since, self._page, places, labels

        async def read(after: UUID) -> Sequence[asyncpg.Record]:
            async with transaction(self._apart, [tenant_id], wait=APART_WAIT) as connection:
                return await connection.fetch(_PAGE, tenant_id, after, *asked)

        async with aclosing(pages_ahead(read, UUID(int=0), self._page)) as pages:
            async for rows in pages:
                yield list(map(event_of, rows))

    async def unlogged(self, tenants: Collection[str]) -> Mapping[str, Collection[UUID]]:
        async with transaction(self._pool, tenants) as connection:
            rows = await connection.fetch(_UNLOGGED, list(tenants))
        return dict.fromkeys(tenants, ()) | {str(tenant): decisions for tenant, decisions in rows}

    async def decided_events(self, tenant_id: str, decisions: Collection[UUID]) -> Sequence[StoredEvent]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(_DECIDED, tenant_id, list(decisions))
        return list(map(event_of, rows))

    def _by_column(self, keys: Sequence[HistoryKey]) -> Mapping[int, Sequence[int]]:
        """Groups keys by the columns that their first field has in the event types asked for."""
        found: dict[int, list[int]] = {}
        for n, key in enumerate(keys):
            for column in key.columns:
                found.setdefault(column, []).append(n)
        return found

    @staticmethod
    async def _fetch(
        connection: Connection, column: int, keys: Sequence[tuple[int, HistoryKey]], most: int, secret: bytes
    ) -> Sequence[asyncpg.Record]:
        since = [key.since or _BEGINNING for _, key in keys]
        return await connection.fetch(
            _OF_KEYS % f"key{column + 1}",
            [n for n, _ in keys],
            [key.tenant_id for _, key in keys],
            [key_hash(secret, key.tenant_id, *key.values[0]) for _, key in keys],
            since,
            max(min(since) - MAX_AHEAD, datetime(1970, 1, 1, tzinfo=UTC)),
            most + 1,
            [key.places for _, key in keys],
            [key.labels for _, key in keys],
        )


async def _history(key: HistoryKey, rows: Sequence[asyncpg.Record], most: int) -> KeyHistory:
    """Takes the events that have the very values, whatever collides with their hashes, a few at a time."""
    if len(rows) > most:
        return KeyHistory((), whole=False)
    matching: list[StoredEvent] = []
    for start in range(0, len(rows), STEP):
        events = [event_of(row) for row in rows[start : start + STEP] if row["event_type"] in key.event_types]
        matching += [each for each in events if all(each.fields.get(field) == value for field, value in key.values)]
        if len(rows) > STEP:
            await asyncio.sleep(0)
    return KeyHistory(matching, whole=True)


def event_of(row: asyncpg.Record) -> StoredEvent:
    """Returns the event of a row with `EVENT_COLUMNS`, with place and labels if the row has what tells them."""
    inputs, said = row.get("inputs"), row.get("said")
    return StoredEvent(
        row["transaction_id"],
        row["event_type"],
        row["event_time"],
        row["create_time"],
        fields_from_record(row["event"]),
        geo_point_from_record(inputs) if inputs is not None else None,
        [SaidOfEvent(number, known_ms, bool(is_fraud)) for number, known_ms, is_fraud in said] if said else (),
    )
