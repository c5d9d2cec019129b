"""The engine in PostgreSQL: leases with SKIP LOCKED, fenced writes, expiry, and the end of what is old.

Every statement is guarded by the fencing token and by the lease's end on the database's clock, after it has the row's
lock: what comes late changes nothing, whoever sends it and whatever its own clock says.
"""

from __future__ import annotations

from collections.abc import Sequence

from meshkit.storage.postgres import Pool, connected
from services.task.adapters.rows import NEWS, task_of
from services.task.domain.leases import AttemptOutcome, Beat, DeclaredKind, Ending, EngineRules, Lease, Pulse
from services.task.domain.tasks import LEASE_EXPIRED, Task

__all__ = ["PostgresEngine"]

SLICE = 200

_DECLARE = """
INSERT INTO kinds (kind, max_running, max_running_per_tenant, internal)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::boolean[]) AS k (kind, most, most_of_tenant, internal)
ORDER BY kind
ON CONFLICT (kind) DO UPDATE SET max_running = excluded.max_running,
    max_running_per_tenant = excluded.max_running_per_tenant, internal = excluded.internal
WHERE (kinds.max_running, kinds.max_running_per_tenant, kinds.internal)
    <> (excluded.max_running, excluded.max_running_per_tenant, excluded.internal)"""

_LEASE = "SELECT * FROM lease_tasks($1::text[], $2, $3, $4)"

# Progress of one attempt never goes back: a report that is behind, as one that was sent again may be, is passed over.
_BEAT = f"""
WITH beat AS (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::integer[], $4::float8[], $5::bigint[], $6::bigint[], $7::text[], $8::bytea[]
    ) AS b (tenant_id, task_id, fence, seconds, done, total, message, checkpoint)
), held AS (
    UPDATE tasks AS t SET
        lease_until = clock_timestamp() + make_interval(secs => b.seconds),
        done = CASE WHEN b.done >= coalesce(t.done, 0) THEN b.done ELSE t.done END,
        total = CASE WHEN b.done >= coalesce(t.done, 0) THEN b.total ELSE t.total END,
        message = CASE WHEN b.done >= coalesce(t.done, 0) THEN b.message ELSE t.message END,
        checkpoint = coalesce(b.checkpoint, t.checkpoint),
        checkpoint_done = CASE WHEN b.checkpoint IS NULL THEN t.checkpoint_done ELSE coalesce(b.done, t.done) END,
        checkpoint_total = CASE WHEN b.checkpoint IS NULL THEN t.checkpoint_total ELSE coalesce(b.total, t.total) END,
        checkpoint_message =
            CASE WHEN b.checkpoint IS NULL THEN t.checkpoint_message ELSE coalesce(b.message, t.message) END,
        updated_at = CASE WHEN coalesce(b.done::text, b.checkpoint::text) IS NULL THEN t.updated_at
            ELSE clock_timestamp() END,
        revision = t.revision + CASE WHEN b.done IS NULL AND b.checkpoint IS NULL THEN 0 ELSE 1 END
    FROM beat AS b
    WHERE t.tenant_id = b.tenant_id AND t.task_id = b.task_id AND t.fence = b.fence
        AND t.lease_until > clock_timestamp()
    RETURNING t.tenant_id, t.task_id, t.fence, t.state, b.done, b.checkpoint IS NOT NULL AS saved
), told AS (
    SELECT pg_notify('{NEWS}', 'changed ' || h.tenant_id || ' ' || h.task_id) FROM held AS h
    WHERE h.done IS NOT NULL OR h.saved
)
SELECT h.tenant_id, h.task_id, h.fence, h.state FROM held AS h, (SELECT count(*) FROM told) AS sent"""


# Ends attempts. Parameters: outcome $1, error $2 to $4, result $5, reference $6, progress $7 to $9, back-off $10 and
# $11, ageing $12; what follows chooses the tasks.
_ENDING = """
WITH picked AS (
    SELECT t.tenant_id, t.task_id, t.fence, t.kind, clock_timestamp() AS moment,
        CASE
            WHEN $1 = 'succeeded' THEN 'succeeded'
            WHEN t.state = 'cancelling' THEN 'cancelled'
            WHEN $1 = 'returned' THEN 'pending'
            WHEN NOT $4::boolean THEN 'failed'
            WHEN t.attempt_count >= t.attempt_limit THEN 'dead'
            ELSE 'pending'
        END AS state,
        CASE WHEN $1 = 'returned' THEN 0
            ELSE least($11::float8, $10::float8 * 2 ^ least(greatest(t.attempt_count - 1, 0), 30)) * (1 + random()) / 2
        END AS pause
    FROM tasks AS t WHERE {which} FOR UPDATE {lock}
), ended AS (
    UPDATE tasks AS t SET
        state = p.state, worker = '', lease_until = NULL, updated_at = p.moment, revision = t.revision + 1,
        finished_at = CASE WHEN p.state <> 'pending' THEN p.moment END,
        attempt_count = t.attempt_count - CASE WHEN $1 = 'returned' THEN 1 ELSE 0 END,
        run_after = CASE WHEN p.state = 'pending' THEN p.moment + make_interval(secs => p.pause) ELSE t.run_after END,
        rank = CASE WHEN p.state = 'pending' AND $1 <> 'returned'
            THEN p.moment + make_interval(secs => p.pause - $12::float8 * t.priority) ELSE t.rank END,
        error_type = CASE WHEN $1 = 'returned' THEN t.error_type ELSE $2 END,
        error_message = CASE WHEN $1 = 'returned' THEN t.error_message ELSE $3 END,
        error_retryable = CASE WHEN $1 = 'returned' THEN t.error_retryable ELSE $4 END,
        result = $5, result_reference = $6,
        done = CASE WHEN $7::bigint >= coalesce(t.done, 0) THEN $7 ELSE t.done END,
        total = CASE WHEN $7::bigint >= coalesce(t.done, 0) THEN $8::bigint ELSE t.total END,
        message = CASE WHEN $7::bigint >= coalesce(t.done, 0) THEN $9::text ELSE t.message END
    FROM picked AS p WHERE t.tenant_id = p.tenant_id AND t.task_id = p.task_id
    RETURNING t.tenant_id, t.task_id, t.fence, t.kind, t.state, t.done, t.total, t.message, p.moment
), closed AS (
    UPDATE attempts AS a SET
        outcome = CASE WHEN e.state = 'cancelled' AND $1 <> 'expired' THEN 'cancelled' ELSE $1 END,
        error_type = $2, error_message = $3, error_retryable = $4, finished_at = e.moment,
        done = e.done, total = e.total, message = e.message
    FROM ended AS e WHERE a.tenant_id = e.tenant_id AND a.task_id = e.task_id AND a.number = e.fence
), told AS (
    SELECT pg_notify('{news}', 'changed ' || e.tenant_id || ' ' || e.task_id) FROM ended AS e
    UNION ALL
    SELECT pg_notify('{news}', 'ready ' || e.kind) FROM (SELECT DISTINCT kind FROM ended) AS e
    WHERE $1 = 'returned' OR EXISTS (SELECT FROM kinds AS k WHERE k.kind = e.kind AND k.limited)
)
SELECT e.state FROM ended AS e, (SELECT count(*) FROM told) AS sent"""


def _ending(which: str, lock: str) -> str:
    return _ENDING.format(which=which, lock=lock, news=NEWS)


_END = _ending("t.tenant_id = $13 AND t.task_id = $14 AND t.fence = $15 AND t.lease_until > clock_timestamp()", "")
_EXPIRE = _ending(f"t.lease_until <= now() ORDER BY t.lease_until LIMIT {SLICE}", "SKIP LOCKED")

_ENDED = """
SELECT a.outcome, CASE WHEN t.fence = a.number THEN t.state ELSE 'pending' END AS state
FROM attempts AS a JOIN tasks AS t USING (tenant_id, task_id)
WHERE a.tenant_id = $1 AND a.task_id = $2 AND a.number = $3"""

_CANCELLED = "SELECT tenant_id, task_id, fence FROM tasks WHERE worker = $1 AND state = 'cancelling'"

# The tenants that have finished tasks are found by skipping from one to the next.
_PRUNE = f"""
WITH RECURSIVE owners AS (
    (SELECT tenant_id FROM tasks WHERE finished_at IS NOT NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (
        SELECT t.tenant_id FROM tasks AS t WHERE t.finished_at IS NOT NULL AND t.tenant_id > o.tenant_id
        ORDER BY t.tenant_id LIMIT 1
    ) FROM owners AS o WHERE o.tenant_id IS NOT NULL
), old AS (
    SELECT f.tenant_id, f.task_id FROM owners AS o
    LEFT JOIN task_retention AS r USING (tenant_id)
    CROSS JOIN LATERAL (
        SELECT t.tenant_id, t.task_id FROM tasks AS t
        WHERE t.tenant_id = o.tenant_id AND t.finished_at < now() - make_interval(days => coalesce(r.days, $1))
        ORDER BY t.finished_at LIMIT {SLICE}
    ) AS f LIMIT {SLICE}
), gone AS (
    DELETE FROM tasks AS t USING old AS o WHERE t.tenant_id = o.tenant_id AND t.task_id = o.task_id
        AND t.finished_at IS NOT NULL
    RETURNING t.tenant_id, t.task_id
), history AS (
    DELETE FROM attempts AS a USING gone AS g WHERE a.tenant_id = g.tenant_id AND a.task_id = g.task_id
), names AS (
    DELETE FROM requests WHERE (tenant_id, request_id) IN (
        SELECT tenant_id, request_id FROM requests WHERE created_at < now() - interval '24 hours'
        ORDER BY created_at LIMIT {SLICE}
    ) RETURNING 1
)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM names)"""


class PostgresEngine:
    """Implements `Engine`. The pool is of the role that sees all tenants. `retention_days` is for finished tasks."""

    def __init__(self, pool: Pool, rules: EngineRules, *, retention_days: int) -> None:
        self._pool = pool
        self._rules = rules
        self._retention_days = retention_days

    async def declare(self, kinds: Sequence[DeclaredKind]) -> None:
        rows = [(each.kind, each.max_running, each.max_running_per_tenant, each.internal) for each in kinds]
        if rows:
            async with connected(self._pool) as connection:
                await connection.execute(_DECLARE, *zip(*rows, strict=True))

    async def lease(self, worker: str, kinds: Sequence[str], limit: int, seconds: float) -> Sequence[Task]:
        async with connected(self._pool) as connection:
            rows = await connection.fetch(_LEASE, kinds, worker, limit, seconds)
        return [task_of(row) for row in rows]

    async def beat(self, beats: Sequence[Beat]) -> Sequence[Pulse]:
        async with connected(self._pool) as connection:
            rows = await connection.fetch(_BEAT, *_beat_columns(beats))
        held = {Lease(str(row["tenant_id"]), str(row["task_id"]), row["fence"]): row["state"] for row in rows}
        return [_pulse(held.get(beat.lease)) for beat in beats]

    async def end(self, lease: Lease, ending: Ending) -> str | None:
        key = (lease.tenant_id, lease.task_id, lease.token)
        async with connected(self._pool) as connection:
            state: str | None = await connection.fetchval(_END, *self._parameters(ending), *key)
            if state is not None:
                return state
            row = await connection.fetchrow(_ENDED, *key)
        return row["state"] if row is not None and _same(row["outcome"], ending.outcome) else None

    async def cancelled(self, worker: str) -> Sequence[Lease]:
        async with connected(self._pool) as connection:
            rows = await connection.fetch(_CANCELLED, worker)
        return [Lease(str(row["tenant_id"]), str(row["task_id"]), row["fence"]) for row in rows]

    async def expire(self) -> int:
        ending = Ending(AttemptOutcome.EXPIRED, fault=LEASE_EXPIRED)
        async with connected(self._pool) as connection:
            return len(await connection.fetch(_EXPIRE, *self._parameters(ending)))

    async def prune(self) -> int:
        async with connected(self._pool) as connection:
            count: int = await connection.fetchval(_PRUNE, self._retention_days)
        return count

    def _parameters(self, ending: Ending) -> tuple[object, ...]:
        fault, progress, rules = ending.fault, ending.progress, self._rules
        return (
            ending.outcome.value,
            *((fault.type, fault.message, fault.retryable) if fault else (None, None, None)),
            ending.result,
            ending.result_reference,
            *((progress.done, progress.total, progress.message) if progress else (None, None, None)),
            rules.first_backoff,
            rules.max_backoff,
            rules.ageing,
        )


def _beat_columns(beats: Sequence[Beat]) -> Sequence[Sequence[object]]:
    rows = [
        (
            beat.lease.tenant_id,
            beat.lease.task_id,
            beat.lease.token,
            beat.seconds,
            *((beat.progress.done, beat.progress.total, beat.progress.message) if beat.progress else (None,) * 3),
            beat.checkpoint,
        )
        for beat in beats
    ]
    return list(zip(*rows, strict=True))


def _pulse(state: str | None) -> Pulse:
    if state is None:
        return Pulse.LOST
    return Pulse.CANCELLED if state == "cancelling" else Pulse.HELD


def _same(outcome: str, told: AttemptOutcome) -> bool:
    """Tells whether an attempt ended as is told now: it is told again."""
    return outcome == told.value or (
        outcome == "cancelled" and told in (AttemptOutcome.FAILED, AttemptOutcome.RETURNED)
    )
