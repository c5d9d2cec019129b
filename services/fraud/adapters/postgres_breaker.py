"""Adds up in PostgreSQL what the processes decided: what decides can be stored can be counted, whatever Redis does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from meshkit.storage.postgres import Pool, transaction
from services.fraud.domain.scenarios.breaker import OutcomeCounts
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.ports.scenarios import CountKey

__all__ = ["PostgresBreakerCounts"]

SECONDS = 200
"""As many seconds hold 200 decisions, for a second without any has no row."""
CHUNK = 5_000

# In the order of the key, so that of two processes neither waits for the other in a circle.
_ADD = """
INSERT INTO scenario_counts (tenant_id, event_type, scenario_id, version, second, process, decisions, declines, reviews)
SELECT tenant, event_type, scenario, version, second, $6, decisions, declines, reviews
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[], $5::bigint[], $7::integer[], $8::integer[],
    $9::integer[]) AS t (tenant, event_type, scenario, version, second, decisions, declines, reviews)
ORDER BY tenant, event_type, scenario, version, second
ON CONFLICT (tenant_id, event_type, scenario_id, version, second, process) DO UPDATE
    SET decisions = excluded.decisions, declines = excluded.declines, reviews = excluded.reviews"""
_READ = f"""
SELECT a.tenant, a.event_type, a.scenario, a.version, c.second, c.decisions, c.declines, c.reviews
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::integer[]) AS a (tenant, event_type, scenario, version),
    LATERAL (
        SELECT second, sum(decisions) AS decisions, sum(declines) AS declines, sum(reviews) AS reviews
        FROM scenario_counts WHERE tenant_id = a.tenant AND event_type = a.event_type AND scenario_id = a.scenario
            AND version = a.version AND second >= $5
        GROUP BY second ORDER BY second DESC LIMIT {SECONDS}
    ) AS c"""
_PRUNE = """
DELETE FROM scenario_counts WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM scenario_counts WHERE second < $1 ORDER BY second LIMIT $2
))"""


class PostgresBreakerCounts:
    """Implements `BreakerCounts`. `process` is this process's own, and of no other since its start."""

    def __init__(self, pool: Pool, process: UUID) -> None:
        self._pool = pool
        self._process = process

    async def add(self, counts: Mapping[CountKey, Mapping[int, OutcomeCounts]]) -> None:
        rows = [
            (key.tenant_id, key.event_type, *key.ref, second, *values)
            for key, seconds in counts.items()
            for second, values in seconds.items()
        ]
        if not rows:
            return
        columns = [list(column) for column in zip(*rows, strict=True)]
        async with transaction(self._pool, columns[0]) as connection:
            await connection.execute(_ADD, *columns[:5], self._process, *columns[5:])

    async def read(self, keys: Collection[CountKey], since: int) -> Mapping[CountKey, Mapping[int, OutcomeCounts]]:
        found: dict[CountKey, dict[int, OutcomeCounts]] = {key: {} for key in keys}
        if not keys:
            return found
        columns = [list(column) for column in zip(*((k.tenant_id, k.event_type, *k.ref) for k in keys), strict=True)]
        async with transaction(self._pool, columns[0]) as connection:
            rows = await connection.fetch(_READ, *columns, since)
        for tenant, event_type, scenario, version, second, *values in rows:
            key = CountKey(str(tenant), event_type, VersionRef(scenario, version))
            found[key][second] = OutcomeCounts(*map(int, values))
        return found

    async def prune(self, before: int) -> int:
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
            return int((await connection.execute(_PRUNE, before, CHUNK)).rpartition(" ")[2])
