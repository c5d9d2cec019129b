"""Keeps backtests in PostgreSQL, under row-level security."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from meshkit.storage.locks import hold_lock
from meshkit.storage.named_requests import PostgresClaims
from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.reads import Reads
from services.fraud.domain.backtests.backtest import Backtest, BacktestValues
from services.fraud.domain.backtests.tally import BacktestTally, tally_from_json, tally_to_json
from services.fraud.domain.scenarios.file import content_of, file_of
from services.fraud.domain.scenarios.scenario import ScenarioVersion
from services.fraud.ports.backtests import BacktestChanges, BacktestCheckpoint, SupersededError

__all__ = ["PostgresBacktestChanges", "PostgresBacktestWriter", "PostgresBacktests", "PostgresCheckpoints"]

CHUNK = 100
_COLUMNS = """tenant_id, backtest_id, task_id, scenario_id, version, event_type, since, until, "values", created_by,
    created_at"""
_GET = f"""
SELECT {_COLUMNS}, content, trees, result FROM backtests
WHERE tenant_id = $1 AND backtest_id = $2 AND created_at >= now() - interval '30 days'"""
_PAGE = f"""
SELECT {_COLUMNS} FROM backtests
WHERE tenant_id = $1 AND backtest_id < $2 AND created_at >= now() - interval '30 days'
ORDER BY backtest_id DESC LIMIT $3"""
_ADD = """
INSERT INTO backtests (tenant_id, backtest_id, task_id, scenario_id, version, event_type, since, until, "values",
    created_by, created_at, content, trees)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"""
_WITHOUT_RESULT = f"""
SELECT {_COLUMNS} FROM backtests WHERE tenant_id = $1 AND result IS NULL ORDER BY backtest_id DESC LIMIT $2"""
_PRUNE = """
DELETE FROM backtests WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM backtests WHERE created_at < now() - interval '30 days' LIMIT $1
))"""
_BEGIN = """
INSERT INTO backtest_checkpoints AS c (tenant_id, backtest_id, token, total, tally) VALUES ($1, $2, $3, 0, '')
ON CONFLICT (tenant_id, backtest_id) DO UPDATE SET token = excluded.token WHERE c.token <= excluded.token
RETURNING after, total, tally"""
_STORE = """
UPDATE backtest_checkpoints SET after = $4, total = $5, tally = $6
WHERE tenant_id = $1 AND backtest_id = $2 AND token = $3 RETURNING token"""
_END = """
UPDATE backtest_checkpoints SET tally = '' WHERE tenant_id = $1 AND backtest_id = $2 AND token = $3 RETURNING token"""
_RESULT = """UPDATE backtests SET result = $3, "values" = $4 WHERE tenant_id = $1 AND backtest_id = $2"""
LAST = UUID(int=(1 << 128) - 1)


class PostgresBacktests:
    """Implements `BacktestReads`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def get(self, tenant_id: str, backtest_id: UUID) -> Backtest | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_GET, tenant_id, backtest_id)
        return _backtest(row) if row else None

    async def page(self, tenant_id: str, before: UUID | None, limit: int) -> Sequence[Backtest]:
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_PAGE, tenant_id, before or LAST, limit)
        return [_backtest(row) for row in rows]


class PostgresBacktestWriter:
    """Implements `BacktestWriter`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[BacktestChanges]:
        async with transaction(self._pool, [tenant_id]) as connection:
            # Of two that ask for one more, the second sees the first.
            await hold_lock(connection, "backtests", tenant_id)
            yield PostgresBacktestChanges(connection, tenant_id)

    async def prune(self) -> int:
        """Deletes a slice of the backtests, of all tenants, of more than 30 days ago, and returns how many."""
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
            return int((await connection.execute(_PRUNE, CHUNK)).rpartition(" ")[2])


class PostgresBacktestChanges(PostgresClaims):
    """Implements `BacktestChanges` on a connection with an open transaction."""

    async def add(self, backtest: Backtest) -> None:
        draft = backtest.draft
        await self._connection.execute(
            _ADD,
            backtest.tenant_id,
            backtest.backtest_id,
            backtest.task_id,
            backtest.scenario_id,
            backtest.number,
            backtest.event_type,
            backtest.since,
            backtest.until,
            backtest.values.value,
            backtest.created_by,
            backtest.created_at,
            file_of(draft.content) if draft else None,
            json.dumps(draft.trees) if draft else None,
        )

    async def without_result(self, limit: int) -> Sequence[Backtest]:
        return [_backtest(row) for row in await self._connection.fetch(_WITHOUT_RESULT, self._tenant_id, limit)]


class PostgresCheckpoints:
    """Implements `Checkpoints`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, tenant_id: str, backtest_id: str, token: int) -> BacktestCheckpoint | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_BEGIN, tenant_id, backtest_id, token)
        if row is None:
            raise SupersededError
        return BacktestCheckpoint(row["after"], row["total"], tally_from_json(row["tally"])) if row["tally"] else None

    async def store(self, tenant_id: str, backtest_id: str, token: int, reached: BacktestCheckpoint) -> None:
        place, text = (tenant_id, backtest_id, token), tally_to_json(reached.tally)
        async with transaction(self._pool, [tenant_id]) as connection:
            if await connection.fetchval(_STORE, *place, reached.after, reached.total, text) is None:
                raise SupersededError

    async def finish(self, tenant_id: str, backtest_id: str, token: int, tally: BacktestTally) -> None:
        text = tally_to_json(tally)
        async with transaction(self._pool, [tenant_id]) as connection:
            if await connection.fetchval(_END, tenant_id, backtest_id, token) is None:
                raise SupersededError
            await connection.execute(_RESULT, tenant_id, backtest_id, text, tally.values)


def _backtest(row: asyncpg.Record) -> Backtest:
    content, result = row.get("content"), row.get("result")
    return Backtest(
        tenant_id=str(row["tenant_id"]),
        backtest_id=str(row["backtest_id"]),
        task_id=str(row["task_id"]),
        scenario_id=row["scenario_id"],
        number=row["version"],
        event_type=row["event_type"],
        since=row["since"],
        until=row["until"],
        values=BacktestValues(row["values"]),
        created_by=row["created_by"],
        created_at=row["created_at"],
        draft=_draft(row) if content else None,
        result=tally_from_json(result) if result else None,
    )


def _draft(row: asyncpg.Record) -> ScenarioVersion:
    return ScenarioVersion(
        scenario_id=row["scenario_id"],
        number=0,
        content=content_of(row["content"]),
        note="",
        authors=frozenset(),
        trees=tuple(json.loads(row["trees"])),
        created_at=row["created_at"],
    )
