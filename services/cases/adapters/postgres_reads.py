"""Reads alerts and cases from PostgreSQL, as the tenant who asks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from meshkit.storage.reads import Reads
from services.cases.adapters.postgres_changes import SETTINGS
from services.cases.adapters.rows import (
    ALERT_COLUMNS,
    CASE_COLUMNS,
    EVIDENCE_COLUMNS,
    alert_of,
    case_of,
    evidence_of,
)
from services.cases.domain.added import AttachedFile, CaseNote, DoneWithCase
from services.cases.domain.alerts import Evidence, StoredAlert
from services.cases.domain.cases import StoredCase
from services.cases.domain.jobs import JobAction, StoredJob
from services.cases.domain.levels import CaseSettings
from services.cases.ports import AlertFilter, CaseFilter, QueuePlace

__all__ = ["PostgresCaseReads"]

_ALERTS = f"SELECT {', '.join(ALERT_COLUMNS)} FROM alerts WHERE tenant_id = $1"
_CASES = f"SELECT {', '.join(CASE_COLUMNS)} FROM cases WHERE tenant_id = $1"
_QUEUE = " ORDER BY priority DESC, money DESC, created_at, case_id LIMIT $2"
# Of two directions, so that a row comparison cannot say it.
_BEHIND = """ AND priority <= {0} AND (priority < {0} OR money < {1}
    OR (money = {1} AND (created_at, case_id) > ({2}::timestamptz, {3}::uuid)))"""
_EVIDENCE = f"""
SELECT {", ".join(EVIDENCE_COLUMNS)} FROM alert_transactions WHERE tenant_id = $1 AND alert_id = $2
ORDER BY event_time DESC, transaction_id DESC"""
_TRANSACTIONS = f"""
SELECT * FROM (
    SELECT DISTINCT ON (t.event_time, t.transaction_id) {", ".join(f"t.{name}" for name in EVIDENCE_COLUMNS)}
    FROM alert_transactions AS t JOIN alerts AS a USING (tenant_id, alert_id)
    WHERE t.tenant_id = $1 AND a.case_id = $2
        AND ($4::timestamptz IS NULL OR (t.event_time, t.transaction_id) < ($4, $5))
    ORDER BY t.event_time DESC, t.transaction_id DESC
) AS found ORDER BY event_time DESC, transaction_id DESC LIMIT $3"""
_NOTES = """
SELECT note_id::text, words, author, created_at FROM case_notes
WHERE tenant_id = $1 AND case_id = $2 ORDER BY note_id"""
_ATTACHMENTS = """
SELECT attachment_id::text, uri, name, media_type, size, author, created_at FROM case_attachments
WHERE tenant_id = $1 AND case_id = $2 ORDER BY attachment_id"""
_HISTORY = """
SELECT number, action, actor, created_at, details FROM case_history
WHERE tenant_id = $1 AND case_id = $2 AND number > $3 ORDER BY number LIMIT $4"""
_JOB = """
SELECT job_id::text, task_id::text, action, argument, items, done, changed, refused, created_by, created_at
FROM case_jobs WHERE tenant_id = $1 AND job_id = $2"""
LAST = UUID(int=(1 << 128) - 1)


class PostgresCaseReads:
    """Implements `CaseReads`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def alert(self, tenant_id: str, alert_id: UUID) -> StoredAlert | None:
        rows = await self._fetch(tenant_id, _ALERTS + " AND alert_id = $2", alert_id)
        return alert_of(rows[0]) if rows else None

    async def alerts(self, tenant_id: str, only: AlertFilter, before: UUID | None, limit: int) -> Sequence[StoredAlert]:
        asked = {
            "state": only.state.value if only.state else "",
            "cause": only.cause.value if only.cause else "",
            "entity_kind": only.entity_kind,
            "entity": only.entity,
            "case_id": only.case_id,
        }
        text, values = _equal(asked, first=5)
        text += " AND state IN ('open', 'acknowledged')" if only.live else ""
        query = f"{_ALERTS} AND alert_id < $2 AND severity >= $4{text} ORDER BY alert_id DESC LIMIT $3"
        rows = await self._fetch(tenant_id, query, before or LAST, limit, int(only.severity), *values)
        return [alert_of(row) for row in rows]

    async def evidence(self, tenant_id: str, alert_id: UUID) -> Sequence[Evidence]:
        return [evidence_of(row) for row in await self._fetch(tenant_id, _EVIDENCE, alert_id)]

    async def case(self, tenant_id: str, case_id: UUID) -> StoredCase | None:
        rows = await self._fetch(tenant_id, _CASES + " AND case_id = $2", case_id)
        return case_of(rows[0]) if rows else None

    async def cases(
        self, tenant_id: str, only: CaseFilter, after: QueuePlace | None, limit: int
    ) -> Sequence[StoredCase]:
        state = only.state.value if only.state else ""
        text, values = _equal({"state": state, "assignee": only.assignee, "entity": only.entity}, first=4)
        text += " AND overdue" if only.overdue else ""
        text += " AND state <> 'closed'" if only.live else ""
        if after is not None:
            first = 4 + len(values)
            text += _BEHIND.format(*(f"${at}" for at in range(first, first + 4)))
            values += after
        query = f"{_CASES} AND priority >= $3{text}{_QUEUE}"
        rows = await self._fetch(tenant_id, query, limit, int(only.priority), *values)
        return [case_of(row) for row in rows]

    async def notes(self, tenant_id: str, case_id: UUID) -> Sequence[CaseNote]:
        return [CaseNote(*row.values()) for row in await self._fetch(tenant_id, _NOTES, case_id)]

    async def attachments(self, tenant_id: str, case_id: UUID) -> Sequence[AttachedFile]:
        return [AttachedFile(*row.values()) for row in await self._fetch(tenant_id, _ATTACHMENTS, case_id)]

    async def transactions(
        self, tenant_id: str, case_id: UUID, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Evidence]:
        rows = await self._fetch(tenant_id, _TRANSACTIONS, case_id, limit, *(after or (None, "")))
        return [evidence_of(row) for row in rows]

    async def history(self, tenant_id: str, case_id: UUID, after: int, limit: int) -> Sequence[DoneWithCase]:
        rows = await self._fetch(tenant_id, _HISTORY, case_id, after, limit)
        return [
            DoneWithCase(row["number"], row["action"], row["actor"], row["created_at"], json.loads(row["details"]))
            for row in rows
        ]

    async def settings(self, tenant_id: str) -> CaseSettings:
        rows = await self._fetch(tenant_id, SETTINGS)
        return CaseSettings(**dict(rows[0])) if rows else CaseSettings()

    async def job(self, tenant_id: str, job_id: UUID) -> StoredJob | None:
        rows = await self._fetch(tenant_id, _JOB, job_id)
        if not rows:
            return None
        values = dict(rows[0])
        action, items = JobAction(values.pop("action")), tuple(map(str, values.pop("items")))
        return StoredJob(action=action, items=items, **values)

    async def _fetch(self, tenant_id: str, query: str, *values: object) -> list[asyncpg.Record]:
        async with self._reads.of(tenant_id) as connection:
            return await connection.fetch(query, tenant_id, *values)


def _equal(asked: dict[str, str], first: int) -> tuple[str, list[object]]:
    """Returns conditions for what is asked, and their values, whose places begin with the first."""
    given = {name: value for name, value in asked.items() if value}
    text = "".join(f" AND {name} = ${at}" for at, name in enumerate(given, first))
    return text, list(given.values())
