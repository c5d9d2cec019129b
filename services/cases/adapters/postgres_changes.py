"""Changes alerts and cases in PostgreSQL, under row-level security."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from meshkit.errors import unavailable
from meshkit.storage.locks import hold_lock
from meshkit.storage.named_requests import PostgresClaims
from meshkit.storage.postgres import Connection, Pool, transaction
from services.cases.adapters.rows import (
    ALERT_COLUMNS,
    CASE_COLUMNS,
    EVIDENCE_COLUMNS,
    aged_priority,
    alert_of,
    alert_row,
    case_of,
    case_row,
    evidence_row,
    upsert,
)
from services.cases.convert import told_to_event
from services.cases.domain.added import AttachedFile, CaseNote
from services.cases.domain.alerts import MOST_EVIDENCE, AlertedEntity, Evidence, RaisedFor, StoredAlert
from services.cases.domain.cases import StoredCase
from services.cases.domain.events import LabelledEvent
from services.cases.domain.jobs import StoredJob
from services.cases.domain.levels import AGES, CaseSettings, UrgencyLevel
from services.cases.ports import AddedTexts, CaseChanges, CaseTold

__all__ = ["SETTINGS", "SETTINGS_COLUMNS", "PostgresCaseChanges", "PostgresCaseWriter", "hold_cases"]

SETTINGS_COLUMNS = ("threshold", "low_hours", "normal_hours", "high_hours", "urgent_hours", "revision")
SETTINGS = f"SELECT {', '.join(SETTINGS_COLUMNS)} FROM settings WHERE tenant_id = $1"
_SAVE_SETTINGS = f"""
INSERT INTO settings (tenant_id, {", ".join(SETTINGS_COLUMNS)}) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id) DO UPDATE SET ({", ".join(SETTINGS_COLUMNS)}) = ROW ($2, $3, $4, $5, $6, $7)"""

_ALERTS = f"SELECT {', '.join(ALERT_COLUMNS)} FROM alerts WHERE tenant_id = $1 AND "
_LIVE = _ALERTS + (
    "(entity_kind, entity, cause, subject) = ($2, $3, $4, $5) AND state IN ('open', 'acknowledged') FOR UPDATE"
)
_SAVE_ALERT = upsert("alerts", ALERT_COLUMNS)
_BEFORE = """
SELECT EXISTS (
    SELECT FROM (
        SELECT alert_id FROM alert_transactions WHERE tenant_id = $1 AND transaction_id = $2
        UNION ALL SELECT alert_id FROM dropped_evidence WHERE tenant_id = $1 AND transaction_id = $2
    ) AS counted JOIN alerts AS a USING (alert_id)
    WHERE a.tenant_id = $1 AND a.cause = $3 AND a.subject = $4
)"""
_EVIDENCE_PLACES = ", ".join(f"${at}" for at in range(1, len(EVIDENCE_COLUMNS) + 3))
_ADD_EVIDENCE = f"""
INSERT INTO alert_transactions (tenant_id, alert_id, {", ".join(EVIDENCE_COLUMNS)}) VALUES ({_EVIDENCE_PLACES})
ON CONFLICT DO NOTHING"""
_TRIM = f"""
WITH dropped AS (
    DELETE FROM alert_transactions WHERE tenant_id = $1 AND alert_id = $2 AND transaction_id IN (
        SELECT transaction_id FROM alert_transactions WHERE tenant_id = $1 AND alert_id = $2
        ORDER BY event_time DESC, transaction_id DESC OFFSET {MOST_EVIDENCE}
    ) RETURNING tenant_id, transaction_id, alert_id, decide_time
)
INSERT INTO dropped_evidence (tenant_id, transaction_id, alert_id, decide_time) SELECT * FROM dropped
ON CONFLICT DO NOTHING"""
_LABEL = """
UPDATE alert_transactions SET label = $3, label_known = $4
WHERE tenant_id = $1 AND transaction_id = $2 AND (label_known IS NULL OR label_known <= $4)"""

_CASES = f"SELECT {', '.join(CASE_COLUMNS)} FROM cases WHERE tenant_id = $1 AND "
_OPEN_CASE = _CASES + "(entity_kind, entity) = ($2, $3) AND state <> 'closed' AND split_from IS NULL FOR UPDATE"
_NEXT = _CASES + (
    "state = 'open' AND priority >= $2 ORDER BY priority DESC, money DESC, created_at, case_id LIMIT 1 "
    "FOR UPDATE SKIP LOCKED"
)
_LATE = _CASES + "state <> 'closed' AND NOT overdue AND due_at <= $2 ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED"
_AGED = aged_priority(2)
_AGE = f"""
UPDATE cases SET priority = {_AGED} WHERE tenant_id = $1 AND case_id = ANY (ARRAY (
    SELECT case_id FROM cases WHERE tenant_id = $1 AND state = 'open' AND priority <> {_AGED}
    LIMIT ${2 + len(AGES)} FOR UPDATE SKIP LOCKED
))"""
_SAVE_CASE = upsert("cases", CASE_COLUMNS)
_KNOW = "INSERT INTO case_tenants (tenant_id) VALUES ($1) ON CONFLICT DO NOTHING"
_TRANSACTIONS = """
SELECT DISTINCT transaction_id FROM alert_transactions AS t JOIN alerts AS a USING (tenant_id, alert_id)
WHERE t.tenant_id = $1 AND a.case_id = $2 AND ($3 OR a.state <> 'dismissed') ORDER BY transaction_id"""
_ADD_NOTE = (
    "INSERT INTO case_notes (tenant_id, case_id, note_id, words, author, created_at) VALUES ($1, $2, $3, $4, $5, $6)"
)
_ATTACH = """
INSERT INTO case_attachments (tenant_id, case_id, attachment_id, uri, name, media_type, size, author, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
# How long a text is is known without reading it.
_ADDED = """
SELECT count(*), coalesce(sum(bytes), 0) FROM (
    SELECT octet_length(words) + octet_length(author) AS bytes FROM case_notes WHERE tenant_id = $1 AND case_id = $2
    UNION ALL
    SELECT octet_length(uri) + octet_length(name) + octet_length(media_type) + octet_length(author)
    FROM case_attachments WHERE tenant_id = $1 AND case_id = $2
) AS added"""
_RECORD = """
INSERT INTO case_history (tenant_id, case_id, number, action, actor, created_at, details)
SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6 FROM case_history WHERE tenant_id = $1 AND case_id = $2"""
_ADD_JOB = """
INSERT INTO case_jobs (tenant_id, job_id, task_id, action, argument, items, done, changed, refused, created_by,
    created_at)
VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, $7, $8)"""
_ADVANCE = """
UPDATE case_jobs SET done = done + $4, changed = changed + $5, refused = refused + $6
WHERE tenant_id = $1 AND job_id = $2 AND done = $3"""
_TELL = "INSERT INTO outbox (tenant_id, payload) VALUES ($1, $2)"


async def hold_cases(connection: Connection, tenant_id: str) -> None:
    """Lets changes of a tenant follow each other, but for claims of its queue: until the end of the transaction.

    Raises MeshError UNAVAILABLE if others take longer than can be waited.
    """
    await hold_lock(
        connection, "cases", tenant_id, unavailable("postgres", "the cases of the tenant are being changed")
    )


class PostgresCaseWriter:
    """Implements `CaseWriter`. What only claims from the queue does not `follow` other changes of the tenant."""

    def __init__(self, pool: Pool, *, follow: bool = True) -> None:
        self._pool = pool
        self._follow = follow

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[CaseChanges]:
        async with transaction(self._pool, [tenant_id]) as connection:
            if self._follow:
                await hold_cases(connection, tenant_id)
            yield PostgresCaseChanges(connection, tenant_id)


class PostgresCaseChanges(PostgresClaims):
    """Implements `CaseChanges` on a connection with an open transaction."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        super().__init__(connection, tenant_id)
        self._settings: CaseSettings | None = None

    async def settings(self) -> CaseSettings:
        if self._settings is None:
            row = await self._connection.fetchrow(SETTINGS, self._tenant_id)
            self._settings = CaseSettings(**dict(row)) if row is not None else CaseSettings()
        return self._settings

    async def save_settings(self, settings: CaseSettings) -> None:
        values = [getattr(settings, name) for name in SETTINGS_COLUMNS]
        await self._connection.execute(_SAVE_SETTINGS, self._tenant_id, *values)
        self._settings = settings

    async def alert(self, alert_id: UUID) -> StoredAlert | None:
        row = await self._connection.fetchrow(_ALERTS + "alert_id = $2 FOR UPDATE", self._tenant_id, alert_id)
        return alert_of(row) if row is not None else None

    async def live_alert(self, raised_for: RaisedFor) -> StoredAlert | None:
        (kind, entity), cause, subject = raised_for
        row = await self._connection.fetchrow(_LIVE, self._tenant_id, kind, entity, cause.value, subject)
        return alert_of(row) if row is not None else None

    async def alerts_of(self, case_id: str) -> Sequence[StoredAlert]:
        rows = await self._connection.fetch(_ALERTS + "case_id = $2 ORDER BY alert_id", self._tenant_id, case_id)
        return [alert_of(row) for row in rows]

    async def save_alert(self, alert: StoredAlert) -> None:
        await self._connection.execute(_SAVE_ALERT, self._tenant_id, *alert_row(alert))
        if alert.case_id is None:
            await self._connection.execute(_KNOW, self._tenant_id)

    async def raised_before(self, transaction_id: str, raised_for: RaisedFor) -> bool:
        told = transaction_id, raised_for.cause.value, raised_for.subject
        found: bool = await self._connection.fetchval(_BEFORE, self._tenant_id, *told)
        return found

    async def add_evidence(self, alert_id: str, evidence: Evidence) -> None:
        await self._connection.execute(_ADD_EVIDENCE, self._tenant_id, alert_id, *evidence_row(evidence))
        await self._connection.execute(_TRIM, self._tenant_id, alert_id)

    async def label(self, event: LabelledEvent) -> None:
        told = event.transaction_id, event.label, event.known_at
        await self._connection.execute(_LABEL, self._tenant_id, *told)

    async def case(self, case_id: UUID) -> StoredCase | None:
        return await self._case(_CASES + "case_id = $2 FOR UPDATE", case_id)

    async def open_case(self, entity: AlertedEntity) -> StoredCase | None:
        return await self._case(_OPEN_CASE, *entity)

    async def next_case(self, priority: UrgencyLevel) -> StoredCase | None:
        return await self._case(_NEXT, int(priority))

    async def late_cases(self, now: datetime, limit: int) -> Sequence[StoredCase]:
        return [case_of(row) for row in await self._connection.fetch(_LATE, self._tenant_id, now, limit)]

    async def age_cases(self, now: datetime, limit: int) -> int:
        done = await self._connection.execute(_AGE, self._tenant_id, *(now - age for age in AGES), limit)
        return int(done.rpartition(" ")[2])

    async def save_case(self, case: StoredCase) -> None:
        await self._connection.execute(_SAVE_CASE, self._tenant_id, *case_row(case))
        await self._connection.execute(_KNOW, self._tenant_id)

    async def transactions_of(self, case_id: str, *, dismissed: bool = False) -> Sequence[str]:
        return [row[0] for row in await self._connection.fetch(_TRANSACTIONS, self._tenant_id, case_id, dismissed)]

    async def add_note(self, case_id: str, note: CaseNote) -> None:
        values = note.note_id, note.words, note.author, note.created_at
        await self._connection.execute(_ADD_NOTE, self._tenant_id, case_id, *values)

    async def add_attachment(self, case_id: str, attachment: AttachedFile) -> None:
        file = attachment
        values = file.attachment_id, file.uri, file.name, file.media_type, file.size, file.author, file.created_at
        await self._connection.execute(_ATTACH, self._tenant_id, case_id, *values)

    async def added(self, case_id: str) -> AddedTexts:
        row = await self._connection.fetchrow(_ADDED, self._tenant_id, case_id)
        assert row is not None, "a count is there for nothing as well"
        return AddedTexts(*row)

    async def record(self, case_id: str, action: str, actor: str, at: datetime, details: Mapping[str, str]) -> None:
        values = action, actor, at, json.dumps(dict(details))
        await self._connection.execute(_RECORD, self._tenant_id, case_id, *values)

    async def add_job(self, job: StoredJob) -> None:
        values = job.job_id, job.task_id, job.action.value, job.argument, job.items, job.created_by, job.created_at
        await self._connection.execute(_ADD_JOB, self._tenant_id, *values)

    async def advance(self, job: StoredJob, looked_at: int, changed: int) -> bool:
        counts = looked_at, changed, looked_at - changed
        done = await self._connection.execute(_ADVANCE, self._tenant_id, job.job_id, job.done, *counts)
        return done.endswith(" 1")

    async def tell(self, told: CaseTold) -> None:
        await self._connection.execute(_TELL, self._tenant_id, told_to_event(self._tenant_id, told))

    async def _case(self, query: str, *values: object) -> StoredCase | None:
        row = await self._connection.fetchrow(query, self._tenant_id, *values)
        return case_of(row) if row is not None else None
