"""Keeps daily totals in PostgreSQL, under row-level security."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from uuid import UUID

from meshkit.storage.postgres import Connection, Pool, transaction
from services.fraud.adapters.engine_revisions import hold, move
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.logs.postgres_history import EVENT_COLUMNS, event_of
from services.fraud.domain.declared.daily import KEPT_DAYS
from services.fraud.domain.logs.day_recording import StreamValue
from services.fraud.domain.logs.days import Days, DayTotal, merged_days, pack_days, unpack_days
from services.fraud.ports import DailyKey, EventPage, StreamReach

__all__ = ["PostgresDailyTotals", "PostgresTotalsKeeping"]

UNSETTLED_SECONDS = 600.0
"""For how long others may be stored before a decision that was made: ten seconds, and what clocks may be apart."""
BEHIND_SECONDS = 86_400.0
"""Totals that lack decisions of longer ago are not used: the newest that windows need are 29 days old."""
BLOCK_DAYS = 32
DELETED = 5_000
STEP = 25
"""Rows that are added to between two looks at what else is to be done: about two milliseconds for full ones."""
Row = tuple[int, bytes, int]
"""Stream, key and block."""

_READ = """
SELECT w.n, t.days FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) WITH ORDINALITY AS w (tenant_id, stream, key, n)
JOIN daily_streams s ON s.tenant_id = w.tenant_id AND s.stream = w.stream AND s.whole
    AND s.reached >= first_decision_id(clock_timestamp() - make_interval(secs => $4))
CROSS JOIN LATERAL (
    SELECT string_agg(d.days, '' ORDER BY d.block) AS days FROM daily_totals d
    WHERE d.tenant_id = w.tenant_id AND d.stream = w.stream AND d.key = w.key
) t"""
_STREAMS = "SELECT stream, reached, whole, dropped FROM daily_streams WHERE tenant_id = $1"
_BEGIN = """
INSERT INTO daily_streams (tenant_id, stream, reached)
SELECT $1, stream, first_decision_id(now() - make_interval(days => $3)) FROM unnest($2::bigint[]) AS stream
ON CONFLICT DO NOTHING"""
_BOUND = "SELECT first_decision_id(clock_timestamp() - make_interval(secs => $1))"
_PAGE = f"""
SELECT d.decision_id, {EVENT_COLUMNS} FROM decisions d
WHERE d.tenant_id = $1 AND d.decision_id > $2 AND d.decision_id <= $3 AND d.event_type = ANY ($4::text[])
ORDER BY d.decision_id LIMIT $5"""
_MOVE = """
UPDATE daily_streams SET reached = $4
WHERE tenant_id = $1 AND stream = ANY ($2::bigint[]) AND reached = $3 AND NOT dropped RETURNING stream"""
_KNOWN = """
SELECT w.n, d.days FROM unnest($2::bigint[], $3::bytea[], $4::integer[]) WITH ORDINALITY AS w (stream, key, block, n)
CROSS JOIN LATERAL (
    SELECT days FROM daily_totals WHERE tenant_id = $1 AND stream = w.stream AND key = w.key AND block = w.block LIMIT 1
) d"""
_PUT = """
INSERT INTO daily_totals (tenant_id, stream, key, block, days)
SELECT $1, * FROM unnest($2::bigint[], $3::bytea[], $4::integer[], $5::bytea[])
ON CONFLICT (tenant_id, stream, key, block) DO UPDATE SET days = excluded.days"""
_FINISH = "UPDATE daily_streams SET whole = true WHERE tenant_id = $1 AND stream = ANY ($2::bigint[]) AND NOT dropped"
_DROP = """
UPDATE daily_streams SET dropped = true, whole = false
WHERE tenant_id = $1 AND stream = $2 AND NOT dropped RETURNING 1"""
_DELETE = """
DELETE FROM daily_totals WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM daily_totals WHERE tenant_id = $1 AND {which} LIMIT $3)) AND tenant_id = $1"""
_GONE = "DELETE FROM daily_streams WHERE tenant_id = $1 AND stream = $2"


class PostgresDailyTotals:
    """Implements `DailyTotals`."""

    def __init__(self, pool: Pool, keys: EventKeys, *, behind_seconds: float = BEHIND_SECONDS) -> None:
        self._pool = pool
        self._keys = keys
        self._behind_seconds = behind_seconds

    async def read(self, keys: Sequence[DailyKey]) -> Mapping[DailyKey, bytes]:
        secret = await self._keys.secret()
        tenants, streams = [key.tenant_id for key in keys], [key.stream for key in keys]
        hashes = [_hash(secret, *key) for key in keys]
        async with transaction(self._pool, set(tenants)) as connection:
            rows = await connection.fetch(_READ, tenants, streams, hashes, self._behind_seconds)
        return {keys[n - 1]: days or b"" for n, days in rows}


class PostgresTotalsKeeping:
    """Implements `TotalsKeeping`."""

    def __init__(self, pool: Pool, keys: EventKeys, *, unsettled_seconds: float = UNSETTLED_SECONDS) -> None:
        self._pool = pool
        self._keys = keys
        self._unsettled_seconds = unsettled_seconds

    async def streams(self, tenant_id: str) -> Mapping[int, StreamReach]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(_STREAMS, tenant_id)
        return {stream: StreamReach(*reach) for stream, *reach in rows}

    async def begin(self, tenant_id: str, streams: Collection[int]) -> None:
        async with transaction(self._pool, [tenant_id]) as connection:
            await connection.execute(_BEGIN, tenant_id, list(streams), KEPT_DAYS)

    async def page(
        self, tenant_id: str, types: Collection[str], after: UUID, until: UUID | None, most: int
    ) -> EventPage:
        async with transaction(self._pool, [tenant_id]) as connection:
            settled: UUID = await connection.fetchval(_BOUND, self._unsettled_seconds)
            bound = min(settled, until) if until is not None else settled
            rows = await connection.fetch(_PAGE, tenant_id, after, bound, list(types), most)
        events = [event_of(row) for row in rows]
        if len(rows) == most:
            return EventPage(events, _plain(rows[-1]["decision_id"]), last=False)
        return EventPage(events, max(after, _plain(bound)), last=bound == settled)

    async def take(
        self, tenant_id: str, streams: Collection[int], before: UUID, reached: UUID, totals: Mapping[StreamValue, Days]
    ) -> bool:
        secret = await self._keys.secret()
        rows = dict(sorted((await _rows(secret, tenant_id, totals)).items()))
        async with transaction(self._pool, [tenant_id]) as connection:
            # Locks the streams, so that nobody else adds to them.
            moved = await connection.fetch(_MOVE, tenant_id, list(streams), before, reached)
            if len(moved) == len(streams):
                await _add(connection, tenant_id, rows)
                return True
            if moved:
                await connection.execute(_MOVE, tenant_id, [each["stream"] for each in moved], reached, before)
            return False

    async def finish(self, tenant_id: str, streams: Collection[int]) -> None:
        async with transaction(self._pool, [tenant_id]) as connection:
            await hold(connection, tenant_id)
            await connection.execute(_FINISH, tenant_id, list(streams))
            await move(connection, tenant_id)

    async def drop(self, tenant_id: str, stream: int) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            await hold(connection, tenant_id)
            if await connection.fetchval(_DROP, tenant_id, stream) is not None:
                await move(connection, tenant_id)
            if await _deleted(connection, tenant_id, "stream = $2", stream) == DELETED:
                return True
            await connection.execute(_GONE, tenant_id, stream)
            return False

    async def forget(self, tenant_id: str, first_day: int) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            return await _deleted(connection, tenant_id, "block < $2", first_day // BLOCK_DAYS) == DELETED


async def _add(connection: Connection, tenant_id: str, rows: Mapping[Row, Days]) -> None:
    columns = [[row[at] for row in rows] for at in range(3)]
    found = await connection.fetch(_KNOWN, tenant_id, *columns)
    known: dict[int, bytes] = {row["n"]: row["days"] for row in found}
    packed = []
    for n, days in enumerate(rows.values(), 1):
        packed.append(pack_days(merged_days(unpack_days(known[n]), days) if n in known else days))
        if n % STEP == 0:
            await asyncio.sleep(0)
    await connection.execute(_PUT, tenant_id, *columns, packed)


async def _deleted(connection: Connection, tenant_id: str, which: str, bound: int) -> int:
    status = await connection.execute(_DELETE.format(which=which), tenant_id, bound, DELETED)
    return int(status.rpartition(" ")[2])


async def _rows(secret: bytes, tenant_id: str, totals: Mapping[StreamValue, Days]) -> Mapping[Row, Days]:
    found: dict[Row, dict[tuple[int, int], DayTotal]] = defaultdict(dict)
    for n, ((stream, value), days) in enumerate(totals.items(), 1):
        if n % (10 * STEP) == 0:
            await asyncio.sleep(0)
        key = _hash(secret, tenant_id, stream, value)
        for place, each in days.items():
            found[stream, key, place[0] // BLOCK_DAYS][place] = each
    return found


def _hash(secret: bytes, tenant_id: str, stream: int, value: str) -> bytes:
    hashed = _of_stream(secret, tenant_id, stream).copy()
    hashed.update(value.encode())
    return hashed.digest()[:16]


@lru_cache(maxsize=4_096)
def _of_stream(secret: bytes, tenant_id: str, stream: int) -> hashlib._Hash:
    return hashlib.sha256(secret + UUID(tenant_id).bytes + stream.to_bytes(8, signed=True))


def _plain(made: UUID) -> UUID:
    return UUID(int=made.int)
