"""Adds up in PostgreSQL what models see, under row-level security, and asks for alerts of drift."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.fraud.convert import drift_to_event
from services.fraud.convert.drift import model_score_from_record
from services.fraud.domain.scoring.drift import CERTAIN, LabelledAlerts, SeenDay, scores_renamed
from services.fraud.ports.drift import DriftReference, SeenPart, WatchedModel

__all__ = ["PostgresDrift"]

LABELS = 2_000
"""Labels that are looked at, the newest ones."""
CHUNK = 5_000

_REFERENCE = """
SELECT described::json -> 'reference' AS reference, described::json -> 'evaluation' AS evaluation
FROM model_versions WHERE tenant_id = $1 AND name = $2 AND number = $3 AND outcome IS NOT NULL"""
_SEEN = """
SELECT day, rows, certain, counts FROM model_seen WHERE tenant_id = $1 AND name = $2 AND number = $3 AND day >= $4"""
# In the order of the key, so that of two processes neither waits for the other in a circle. The lock on the version
# keeps it until the end of the transaction.
_ADD = """
INSERT INTO model_seen (tenant_id, name, number, day, part, rows, certain, counts)
SELECT t.* FROM unnest($1::uuid[], $2::text[], $3::integer[], $4::date[], $5::uuid[], $6::bigint[], $7::bigint[],
    $8::text[]) AS t (tenant_id, name, number, day, part, rows, certain, counts)
WHERE EXISTS (SELECT FROM model_versions AS v WHERE v.tenant_id = t.tenant_id AND v.name = t.name
    AND v.number = t.number FOR KEY SHARE)
ORDER BY tenant_id, name, number, day, part
ON CONFLICT (tenant_id, name, number, day, part) DO UPDATE
    SET rows = excluded.rows, certain = excluded.certain, counts = excluded.counts"""
_TOLD = """
INSERT INTO model_drift_told (tenant_id, name, number, day) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING RETURNING number"""
_TELL = "INSERT INTO outbox (tenant_id, payload) VALUES ($1, $2)"
# Of a transaction holds what became known last.
_LABELLED = """
SELECT d.inputs, l.label IN ('fraud', 'chargeback') AS fraud FROM (
    SELECT DISTINCT ON (transaction_id) transaction_id, decision_id, label FROM (
        SELECT transaction_id, number, decision_id, label, known_time FROM labels
        WHERE tenant_id = $1 AND decision_id >= first_decision_id($2) AND NOT refused
        ORDER BY label_id DESC LIMIT $3
    ) AS newest ORDER BY transaction_id, known_time DESC, number DESC
) AS l JOIN decisions AS d ON d.tenant_id = $1 AND d.decision_id = l.decision_id"""
_PRUNE = """
DELETE FROM model_seen WHERE ctid = ANY (ARRAY(SELECT ctid FROM model_seen WHERE day < $1 LIMIT $2))"""


class PostgresDrift:
    """Implements `SeenStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def reference(self, watched: WatchedModel) -> DriftReference | None:
        async with transaction(self._pool, [watched.tenant_id]) as connection:
            row = await connection.fetchrow(_REFERENCE, watched.tenant_id, *watched.ref)
        if row is None:
            return None
        bins, measured = scores_renamed(json.loads(row["reference"])), json.loads(row["evaluation"] or "null")
        return DriftReference({name: each["shares"] for name, each in bins.items()}, _alert_rate(measured))

    async def seen(self, watched: WatchedModel, since: date) -> Sequence[SeenDay]:
        async with transaction(self._pool, [watched.tenant_id]) as connection:
            rows = await connection.fetch(_SEEN, watched.tenant_id, *watched.ref, since)
        return [SeenDay(day, seen, certain, scores_renamed(json.loads(counts))) for day, seen, certain, counts in rows]

    async def labelled(self, watched: WatchedModel, since: datetime) -> LabelledAlerts:
        async with transaction(self._pool, [watched.tenant_id]) as connection:
            rows = await connection.fetch(_LABELLED, watched.tenant_id, since.astimezone(UTC), LABELS)
        # Decoding is for a thread: decisions wait for nobody who looks at reports.
        return await asyncio.to_thread(_labelled_alerts, watched, rows)

    async def add(self, parts: Sequence[SeenPart]) -> None:
        if not parts:
            return
        rows = [
            (
                *each.watched.ref,
                each.seen.day,
                each.part,
                each.seen.rows,
                each.seen.certain,
                json.dumps(each.seen.counts),
            )
            for each in parts
        ]
        tenants = [each.watched.tenant_id for each in parts]
        async with transaction(self._pool, tenants) as connection:
            await connection.execute(_ADD, tenants, *[list(column) for column in zip(*rows, strict=True)])

    async def tell(self, watched: WatchedModel, day: date, words: str) -> bool:
        tenant_id = watched.tenant_id
        async with transaction(self._pool, [tenant_id]) as connection:
            if await connection.fetchval(_TOLD, tenant_id, *watched.ref, day) is None:
                return False
            event = drift_to_event(tenant_id, watched.ref, words, datetime.now(UTC))
            await connection.execute(_TELL, tenant_id, event)
        return True

    async def prune(self, before: date) -> int:
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
            return int((await connection.execute(_PRUNE, before, CHUNK)).rpartition(" ")[2])


def _alert_rate(measured: dict[str, Any] | None) -> float | None:
    if not measured or not measured["rows"]:
        return None
    acted: int = next(each["acted"] for each in measured["thresholds"] if each["threshold"] == CERTAIN)
    return acted / int(measured["rows"])


def _labelled_alerts(watched: WatchedModel, rows: Sequence[asyncpg.Record]) -> LabelledAlerts:
    found = [fraud for inputs, fraud in rows if _is_alert(watched, inputs)]
    return LabelledAlerts(len(found), sum(found))


def _is_alert(watched: WatchedModel, inputs: bytes) -> bool:
    ref, score = model_score_from_record(inputs)
    return ref == watched.ref and score >= CERTAIN
