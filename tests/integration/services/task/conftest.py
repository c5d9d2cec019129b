"""The stores of tasks: in memory, and in a PostgreSQL database of the tests' own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, open_pool
from services.task.adapters.memory import MemoryTaskRows, MemoryTasks
from services.task.adapters.memory_engine import MemoryEngine
from services.task.adapters.memory_schedules import MemorySchedules
from services.task.adapters.postgres_engine import PostgresEngine
from services.task.adapters.postgres_schedules import PostgresSchedules
from services.task.adapters.postgres_tasks import PostgresTasks
from services.task.domain.leases import AttemptOutcome, Ending, EngineRules, Lease
from services.task.domain.tasks import Fault, NewTask, Task
from services.task.ports import Engine, Schedules, TaskStore
from services.task.service.cron import next_run
from tests.integration.conftest import FreshDatabase
from tests.support.servers import Database

RULES = EngineRules(ageing=600.0, first_backoff=0.05, max_backoff=0.2)
BROKEN = Fault("Broken", "it broke", retryable=True)
HOPELESS = Fault("Hopeless", "it cannot be done", retryable=False)


@dataclass
class Stores:
    """All ports on the same rows, with what tests do again and again."""

    tasks: TaskStore
    engine: Engine
    schedules: Schedules
    rows: MemoryTaskRows | None = None
    superuser: str = ""
    database: Database | None = None

    async def make(self, tenant: str, kind: str = "test.work", **fields: object) -> UUID:
        (created,) = await self.tasks.create([NewTask(tenant, "work", kind=kind, **fields)])  # type: ignore[arg-type]
        assert created is not None
        return created.task_id

    async def lease(self, kind: str = "test.work", limit: int = 1, seconds: float = 30.0) -> list[Task]:
        return list(await self.engine.lease("worker-1", [kind], limit, seconds))

    async def lease_one(self, kind: str = "test.work", seconds: float = 30.0) -> tuple[Task, Lease]:
        (task,) = await self.lease(kind, 1, seconds)
        return task, lease_of(task)

    async def succeed(self, lease: Lease) -> str | None:
        return await self.engine.end(lease, Ending(AttemptOutcome.SUCCEEDED))

    async def get(self, tenant: str, task_id: UUID) -> Task:
        task = await self.tasks.get(tenant, task_id)
        assert task is not None
        return task

    async def move(self, table: str, column: str, by: timedelta, tenant: str) -> None:
        """Moves a time of all rows of a tenant, as if it had passed."""
        if self.rows is not None:
            rows: Any = self.rows.tasks if table == "tasks" else self.rows.schedules
            for key, row in rows.items():
                if key[0] == tenant and getattr(row, column) is not None:
                    rows[key] = replace(row, **{column: getattr(row, column) - by})
            return
        await self.execute(
            f"UPDATE {table} SET {column} = {column} - $1::interval WHERE tenant_id = $2::uuid", by, tenant
        )

    async def execute(self, statement: str, *parameters: object) -> None:
        """Runs a statement as the superuser."""
        connection = await asyncpg.connect(self.superuser)
        try:
            await connection.execute(statement, *parameters)
        finally:
            await connection.close()


def lease_of(task: Task) -> Lease:
    return Lease(task.tenant_id, str(task.task_id), task.fence)


def engine_dsn(database: Database) -> str:
    """Of the role that sees the tasks of all tenants."""
    return database.server.dsn(database.name, "rampart_task_engine")


@pytest.fixture(scope="module")
def task_database(fresh_database: FreshDatabase) -> Database:
    return fresh_database("task")


@pytest.fixture
async def pools(task_database: Database) -> AsyncIterator[tuple[Pool, Pool]]:
    """Of the service's role and of the engine's."""
    pool, engine_pool = await open_pool(task_database.dsn), await open_pool(engine_dsn(task_database))
    for each in (pool, engine_pool):
        # All connections are there before the test: a busy machine may take longer than a call waits for one.
        async with AsyncExitStack() as stack:
            for _ in range(each.get_max_size()):
                await stack.enter_async_context(each.acquire(timeout=10))
    yield pool, engine_pool
    await pool.close()
    await engine_pool.close()


@pytest.fixture
async def postgres_stores(task_database: Database, pools: tuple[Pool, Pool]) -> Stores:
    pool, engine_pool = pools
    return Stores(
        PostgresTasks(pool, RULES),
        PostgresEngine(engine_pool, RULES, retention_days=30),
        PostgresSchedules(pool, engine_pool, RULES, next_run),
        superuser=task_database.server.dsn(task_database.name),
        database=task_database,
    )


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        rows = MemoryTaskRows(RULES)
        return Stores(MemoryTasks(rows), MemoryEngine(rows), MemorySchedules(rows, next_run), rows)
    found: Stores = request.getfixturevalue("postgres_stores")
    return found


@pytest.fixture
def tenant() -> str:
    return str(uuid7())


@pytest.fixture
def kind() -> str:
    """A kind that no other test has tasks of."""
    return f"test.k{uuid7().hex}"
