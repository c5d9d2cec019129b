"""Tasks of the tenants in PostgreSQL, under row-level security: creating in batches, reading, and people's changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg

from meshkit.storage.postgres import REFUSALS, Connection, Pool, connected, transaction
from meshkit.storage.reads import Reads
from services.task.adapters.rows import LIST_COLUMNS, NEWS, attempt_of, task_of
from services.task.domain.leases import EngineRules
from services.task.domain.tasks import (
    Attempt,
    ForbiddenMoveError,
    NewTask,
    Task,
    TaskChange,
    TaskFilter,
    changed,
)
from services.task.ports import (
    Admits,
    Created,
    KeyTakenError,
    RevisionMismatchError,
    ValueRefusedError,
    check_admitted,
)

__all__ = ["PostgresTasks"]

# One round trip: the function names the tenants for its own transaction and ends with the statement.
_CREATE = """
SELECT item, task, made, ready, fresh, content FROM create_tasks(
    $1, $2, $3::uuid[], $4::uuid[], $5::bytea[], $6::text[], $7::smallint[], $8::text[], $9::bytea[], $10::text[],
    $11::timestamptz[], $12::timestamptz[], $13::text[], $14::integer[])"""

_FIND = """
SELECT t.* FROM unnest($1::uuid[], $2::uuid[]) AS k (tenant_id, task_id) JOIN tasks AS t USING (tenant_id, task_id)"""

_GET = "SELECT * FROM tasks WHERE tenant_id = $1 AND task_id = $2"
_SOME = f"SELECT {LIST_COLUMNS} FROM tasks WHERE tenant_id = $1 AND task_id = ANY ($2::uuid[])"
_STATE = "SELECT * FROM tasks WHERE tenant_id = $1 AND task_id = $2 FOR UPDATE"
_REVISION = "SELECT revision FROM tasks WHERE tenant_id = $1 AND task_id = $2 FOR UPDATE"
_PAGE = f"SELECT {LIST_COLUMNS} FROM page_tasks($1, $2, $3, $4::smallint, $5, $6, $7)"
_ATTEMPTS = """
SELECT * FROM attempts WHERE tenant_id = $1 AND task_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"""
_INTERNAL = "SELECT kind FROM kinds WHERE internal"

_UPDATE = """
UPDATE tasks SET title = $3, priority = $4, assignee = $5, due_at = $6, state = $7, updated_at = $8, started_at = $9,
    finished_at = $10, revision = $11, rank = run_after - make_interval(secs => $12 * $4::smallint)
WHERE tenant_id = $1 AND task_id = $2"""

# One time for all columns: the clock goes on between two looks at it.
_MOMENT = "(SELECT clock_timestamp() AS moment OFFSET 0) AS clock"
_CANCEL = f"""
UPDATE tasks SET state = CASE WHEN lease_until IS NULL THEN 'cancelled' ELSE 'cancelling' END,
    (finished_at, updated_at) = (SELECT CASE WHEN lease_until IS NULL THEN moment END, moment FROM {_MOMENT}),
    revision = revision + 1
WHERE tenant_id = $1 AND task_id = $2 AND state IN ('pending', 'running') RETURNING *"""

_RETRY = f"""
UPDATE tasks SET state = 'pending', attempt_limit = attempt_count + max_attempts, result = NULL, result_reference = '',
    (run_after, updated_at, rank) = (
        SELECT moment, moment, moment - make_interval(secs => $3 * priority) FROM {_MOMENT}
    ), finished_at = NULL, revision = revision + 1
WHERE tenant_id = $1 AND task_id = $2 AND state IN ('failed', 'dead', 'cancelled') RETURNING *"""

_TELL = f"SELECT pg_notify('{NEWS}', news) FROM unnest($1::text[]) AS news"


class PostgresTasks:
    """Implements `TaskStore`."""

    def __init__(self, pool: Pool, rules: EngineRules, reads: Reads | None = None) -> None:
        self._pool = pool
        self._reads = reads or Reads(pool)
        self._rules = rules

    async def create(self, tasks: Sequence[NewTask]) -> Sequence[Created | None]:
        order = sorted(range(len(tasks)), key=lambda index: tasks[index].order)
        ordered = [tasks[index] for index in order]
        tenants = ",".join(sorted({task.tenant_id for task in ordered}))
        try:
            async with connected(self._pool) as connection:
                rows = await connection.fetch(_CREATE, tenants, self._rules.ageing, *_columns(ordered))
        except REFUSALS as error:
            # Its words may quote a task, so only its kind is told.
            raise ValueRefusedError(type(error).__name__) from None
        existing = await self._existing(ordered, [row for row in rows if row["task"] is not None and not row["fresh"]])
        found: list[Created | None] = [None] * len(tasks)
        for row in rows:
            found[order[row["item"] - 1]] = _created(row, existing)
        return found

    async def get(self, tenant_id: str, task_id: UUID) -> Task | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_GET, tenant_id, task_id)
        return task_of(row) if row else None

    async def some(self, tenant_id: str, task_ids: Sequence[UUID]) -> Sequence[Task]:
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_SOME, tenant_id, task_ids)
        return [task_of(row) for row in rows]

    async def page(self, tenant_id: str, only: TaskFilter, before: UUID | None, limit: int) -> Sequence[Task]:
        async with self._reads.one(tenant_id) as connection:
            rows = await connection.fetch(
                _PAGE, tenant_id, only.state, only.kind, only.priority, only.assignee, before, limit
            )
        return [task_of(row) for row in rows]

    async def attempts(self, tenant_id: str, task_id: UUID, before: int, limit: int) -> Sequence[Attempt]:
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_ATTEMPTS, tenant_id, task_id, before, limit)
        return [attempt_of(row) for row in rows]

    async def update(
        self, tenant_id: str, task_id: UUID, change: TaskChange, revision: int | None, admits: Admits | None = None
    ) -> Task | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_STATE, tenant_id, task_id)
            if row is None:
                return None
            task = task_of(row)
            if revision is not None and revision != task.revision:
                raise RevisionMismatchError
            check_admitted(admits, task.revision)
            made = changed(task, change, await connection.fetchval("SELECT clock_timestamp()"))
            if made is not task:
                await self._write(connection, made)
        return made

    async def cancel(self, tenant_id: str, task_id: UUID, admits: Admits | None = None) -> Task | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            if admits is not None:
                check_admitted(admits, await connection.fetchval(_REVISION, tenant_id, task_id))
            row = await connection.fetchrow(_CANCEL, tenant_id, task_id)
            if row is not None:
                cancelling = [f"cancel {row['worker']}"] if row["state"] == "cancelling" else []
                await _tell(connection, _changed(tenant_id, task_id), *cancelling)
                return task_of(row)
            return await _unmoved(connection, tenant_id, task_id, {"cancelling", "cancelled"})

    async def retry(self, tenant_id: str, task_id: UUID, admits: Admits | None = None) -> Task | None:
        try:
            async with transaction(self._pool, [tenant_id]) as connection:
                if admits is not None:
                    check_admitted(admits, await connection.fetchval(_REVISION, tenant_id, task_id))
                row = await connection.fetchrow(_RETRY, tenant_id, task_id, self._rules.ageing)
                if row is not None:
                    await _tell(connection, _changed(tenant_id, task_id), f"ready {row['kind']}")
                    return task_of(row)
                return await _unmoved(connection, tenant_id, task_id, set())
        except asyncpg.UniqueViolationError:
            raise KeyTakenError from None

    async def internal_kinds(self) -> frozenset[str]:
        async with connected(self._pool) as connection:
            return frozenset(row["kind"] for row in await connection.fetch(_INTERNAL))

    async def _existing(self, tasks: Sequence[NewTask], rows: Sequence[asyncpg.Record]) -> dict[UUID, Task]:
        if not rows:
            return {}
        tenants = [tasks[row["item"] - 1].tenant_id for row in rows]
        async with transaction(self._pool, tenants) as connection:
            found = await connection.fetch(_FIND, tenants, [row["task"] for row in rows])
        return {row["task_id"]: task_of(row) for row in found}

    async def _write(self, connection: Connection, task: Task) -> None:
        await connection.execute(
            _UPDATE,
            task.tenant_id,
            task.task_id,
            task.title,
            task.priority,
            task.assignee,
            task.due_at,
            task.state,
            task.updated_at,
            task.started_at,
            task.finished_at,
            task.revision,
            self._rules.ageing,
        )
        await _tell(connection, _changed(task.tenant_id, task.task_id))


def _columns(tasks: Iterable[NewTask]) -> Sequence[Sequence[object]]:
    rows = [
        (
            task.tenant_id,
            task.request_id,
            task.fingerprint,
            task.title,
            task.priority,
            task.kind,
            task.arguments,
            task.assignee,
            task.due_at,
            task.run_after,
            task.unique_key,
            task.max_attempts,
        )
        for task in tasks
    ]
    return list(zip(*rows, strict=True))


def _created(row: asyncpg.Record, existing: dict[UUID, Task]) -> Created | None:
    task_id = row["task"]
    if task_id is None or not (row["fresh"] or task_id in existing):
        return None
    found = None if row["fresh"] else existing[task_id]
    return Created(task_id, row["made"], row["ready"], found, row["content"])


async def _unmoved(connection: Connection, tenant_id: str, task_id: UUID, fine: set[str]) -> Task | None:
    """Returns a task that could not be moved but is where it should go."""
    row = await connection.fetchrow(_GET, tenant_id, task_id)
    if row is not None and row["state"] not in fine:
        raise ForbiddenMoveError(row["state"])
    return task_of(row) if row else None


def _changed(tenant_id: str, task_id: UUID) -> str:
    return f"changed {tenant_id} {task_id}"


async def _tell(connection: Connection, *news: str) -> None:
    await connection.execute(_TELL, news)
