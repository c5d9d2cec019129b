"""Schedules in PostgreSQL. A run and the schedule's next time are one commit; the store's clock says what is due."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import asyncpg

from meshkit.storage.postgres import Connection, Pool, connected, transaction
from services.task.adapters.rows import NEWS, schedule_of
from services.task.domain.leases import EngineRules
from services.task.domain.schedules import NewSchedule, Schedule, ScheduleChange
from services.task.ports import Admits, NextRun, RevisionMismatchError, check_admitted

__all__ = ["PostgresSchedules"]

_log = logging.getLogger(__name__)
DUE_AT_ONCE = 50

_NOW = "SELECT clock_timestamp()"
_CREATE = """
INSERT INTO schedules (tenant_id, schedule_id, title, cron, time_zone, kind, arguments, priority, max_attempts,
    fingerprint, next_run_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
ON CONFLICT (tenant_id, schedule_id) DO {conflict} RETURNING *"""
_CREATE_ONCE = _CREATE.format(conflict="NOTHING")
_DECLARE = _CREATE.format(
    conflict="""UPDATE SET title = excluded.title, cron = excluded.cron, time_zone = excluded.time_zone,
    kind = excluded.kind, arguments = excluded.arguments, priority = excluded.priority,
    max_attempts = excluded.max_attempts, fingerprint = excluded.fingerprint, next_run_at = excluded.next_run_at,
    updated_at = excluded.updated_at, revision = schedules.revision + 1
WHERE schedules.fingerprint <> excluded.fingerprint"""
)
_GET = "SELECT * FROM schedules WHERE tenant_id = $1 AND schedule_id = $2"
_REVISION = "SELECT revision FROM schedules WHERE tenant_id = $1 AND schedule_id = $2 FOR UPDATE"
_PAGE = "SELECT * FROM schedules WHERE tenant_id = $1 AND schedule_id > $2 ORDER BY schedule_id LIMIT $3"
_DELETE = "DELETE FROM schedules WHERE tenant_id = $1 AND schedule_id = $2"

# A schedule whose task before is not finished waits, however many of its times pass meanwhile.
_DUE = f"""
SELECT s.* FROM schedules AS s WHERE s.next_run_at <= now() AND NOT EXISTS (
    SELECT FROM tasks AS t WHERE t.tenant_id = s.tenant_id AND t.schedule_id = s.schedule_id
        AND t.schedule_id <> '' AND t.finished_at IS NULL
) ORDER BY s.next_run_at LIMIT {DUE_AT_ONCE} FOR UPDATE OF s SKIP LOCKED"""

_RUN = f"""
WITH run AS (
    INSERT INTO tasks (tenant_id, task_id, title, priority, kind, state, arguments, assignee, run_after, rank,
        unique_key, schedule_id, max_attempts, attempt_limit, created_at, updated_at)
    SELECT $1::uuid, new_task_id(), $3::text, $4::smallint, $5::text, 'pending', $6::bytea, '', $8::timestamptz,
        $8 - make_interval(secs => $9::float8 * $4), '', $2::text, $7::integer, $7, $8, $8
    ON CONFLICT (tenant_id, schedule_id) WHERE schedule_id <> '' AND finished_at IS NULL DO NOTHING
    RETURNING task_id, tenant_id, schedule_id, kind, created_at
), moved AS (
    UPDATE schedules AS s SET next_run_at = $10::timestamptz, last_run_at = r.created_at, last_task_id = r.task_id
    FROM run AS r WHERE s.tenant_id = r.tenant_id AND s.schedule_id = r.schedule_id
)
SELECT pg_notify('{NEWS}', 'ready ' || kind) FROM run"""

_STOP = "UPDATE schedules SET next_run_at = NULL WHERE tenant_id = $1 AND schedule_id = $2"


class PostgresSchedules:
    """Implements `Schedules`. `pool` is of the service's role, `engine_pool` of the one that sees all tenants."""

    def __init__(self, pool: Pool, engine_pool: Pool, rules: EngineRules, next_run: NextRun) -> None:
        self._pool = pool
        self._engine_pool = engine_pool
        self._rules = rules
        self._next_run = next_run

    async def create(self, schedule: NewSchedule) -> Schedule | None:
        async with transaction(self._pool, [schedule.tenant_id]) as connection:
            row = await self._insert(connection, _CREATE_ONCE, schedule)
            if row is None:
                row = await connection.fetchrow(_GET, schedule.tenant_id, schedule.schedule_id)
        return schedule_of(row) if row is not None and row["fingerprint"] == schedule.fingerprint else None

    async def get(self, tenant_id: str, schedule_id: str) -> Schedule | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_GET, tenant_id, schedule_id)
        return schedule_of(row) if row else None

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[Schedule]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(_PAGE, tenant_id, after, limit)
        return [schedule_of(row) for row in rows]

    async def update(
        self,
        tenant_id: str,
        schedule_id: str,
        change: ScheduleChange,
        revision: int | None,
        admits: Admits | None = None,
    ) -> Schedule | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(f"{_GET} FOR UPDATE", tenant_id, schedule_id)
            if row is None:
                return None
            schedule = schedule_of(row)
            if revision is not None and revision != schedule.revision:
                raise RevisionMismatchError
            check_admitted(admits, schedule.revision)
            values = {name: value for name, value in change.values().items() if getattr(schedule, name) != value}
            if not values:
                return schedule
            values |= self._times(schedule, values, await connection.fetchval(_NOW))
            names = ", ".join(f"{name} = ${index}" for index, name in enumerate(values, 3))
            row = await connection.fetchrow(
                f"UPDATE schedules SET {names} WHERE tenant_id = $1 AND schedule_id = $2 RETURNING *",
                tenant_id,
                schedule_id,
                *values.values(),
            )
        assert row is not None
        return schedule_of(row)

    async def delete(self, tenant_id: str, schedule_id: str, admits: Admits | None = None) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            if admits is not None:
                check_admitted(admits, await connection.fetchval(_REVISION, tenant_id, schedule_id))
            return bool((await connection.execute(_DELETE, tenant_id, schedule_id)).endswith(" 1"))

    async def declare(self, schedule: NewSchedule) -> None:
        async with connected(self._engine_pool) as connection:
            await self._insert(connection, _DECLARE, schedule)

    async def fire(self) -> int:
        async with connected(self._engine_pool) as connection, connection.transaction():
            moment = await connection.fetchval(_NOW)
            due = [schedule_of(row) for row in await connection.fetch(_DUE)]
            for schedule in due:
                await self._run(connection, schedule, moment)
        return len(due)

    async def _insert(self, connection: Connection, statement: str, schedule: NewSchedule) -> asyncpg.Record | None:
        moment = await connection.fetchval(_NOW)
        return await connection.fetchrow(
            statement,
            schedule.tenant_id,
            schedule.schedule_id,
            schedule.title,
            schedule.cron,
            schedule.time_zone,
            schedule.kind,
            schedule.arguments,
            schedule.priority,
            schedule.max_attempts,
            schedule.fingerprint,
            self._next_run(schedule.cron, schedule.time_zone, moment),
            moment,
        )

    def _times(self, schedule: Schedule, values: dict[str, object], moment: datetime) -> dict[str, object]:
        """Returns what changes with other values: a new time counts from now."""
        paused = values.get("paused", schedule.paused)
        cron, zone = values.get("cron", schedule.cron), values.get("time_zone", schedule.time_zone)
        times: dict[str, object] = {"updated_at": moment, "revision": schedule.revision + 1}
        if {"paused", "cron", "time_zone"} & set(values):
            times["next_run_at"] = None if paused else self._next_run(str(cron), str(zone), moment)
        return times

    async def _run(self, connection: Connection, schedule: Schedule, moment: datetime) -> None:
        """Makes one task for all the times that have passed."""
        try:
            following = self._next_run(schedule.cron, schedule.time_zone, moment)
        except ValueError:
            # The time zone may be gone from the database of zones.
            _log.exception("a schedule cannot be read", extra={"fields": {"schedule_id": schedule.schedule_id}})
            await connection.execute(_STOP, schedule.tenant_id, schedule.schedule_id)
            return
        await connection.execute(
            _RUN,
            schedule.tenant_id,
            schedule.schedule_id,
            schedule.title,
            schedule.priority,
            schedule.kind,
            schedule.arguments,
            schedule.max_attempts,
            moment,
            self._rules.ageing,
            following,
        )
