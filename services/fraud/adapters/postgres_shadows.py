"""Keeps in PostgreSQL what versions in the shadow would have answered, a row for each part."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from meshkit.storage.postgres import Pool, transaction
from services.fraud.domain.scenarios.shadows import ShadowReport, merged_reports, report_from_json, report_to_json
from services.fraud.ports.shadows import ShadowKey, ShadowPart

__all__ = ["PostgresShadowReports"]

CHUNK = 200
MOST_PARTS = 2_000

# In the order of the key, so that of two processes neither waits for the other in a circle.
_SAVE = """
INSERT INTO scenario_shadows (tenant_id, scenario_id, version, part, report)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::uuid[], $5::text[])
    AS t (tenant, scenario, version, part, report)
ORDER BY tenant, scenario, version, part
ON CONFLICT (tenant_id, scenario_id, version, part) DO UPDATE SET report = excluded.report, updated_at = now()"""
_READ = """
SELECT report FROM scenario_shadows WHERE tenant_id = $1 AND scenario_id = $2 AND version = $3
ORDER BY updated_at DESC LIMIT $4"""
_PRUNE = """
DELETE FROM scenario_shadows WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM scenario_shadows WHERE updated_at < now() - interval '90 days' LIMIT $1
))"""


class PostgresShadowReports:
    """Implements `ShadowReports`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def save(self, parts: Mapping[ShadowPart, ShadowReport]) -> None:
        left = list(parts.items())
        while left:
            chunk, left = left[:CHUNK], left[CHUNK:]
            rows = []
            for (key, part), report in chunk:
                rows.append((key.tenant_id, *key.ref, part, report_to_json(report)))
                # Those of many versions are not rendered between two decisions.
                await asyncio.sleep(0)
            columns = [list(column) for column in zip(*rows, strict=True)]
            async with transaction(self._pool, columns[0]) as connection:
                await connection.execute(_SAVE, *columns)

    async def read(self, key: ShadowKey) -> ShadowReport:
        async with transaction(self._pool, [key.tenant_id]) as connection:
            rows = await connection.fetch(_READ, key.tenant_id, *key.ref, MOST_PARTS)
        whole = ShadowReport()
        for row in rows:
            whole = merged_reports([whole, report_from_json(row["report"])])
            await asyncio.sleep(0)
        return whole

    async def prune(self) -> int:
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
            return int((await connection.execute(_PRUNE, CHUNK)).rpartition(" ")[2])
