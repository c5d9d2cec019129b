"""Row-level security of tasks as each role meets it, and that no clock but the database's is asked."""

from __future__ import annotations

import re

import asyncpg
import pytest

from meshkit.ids import uuid7
from meshkit.storage.postgres import Pool, connected, transaction
from services.task.app import MIGRATIONS
from services.task.domain.schedules import NewSchedule
from services.task.domain.tasks import NewTask
from tests.integration.services.task.conftest import Stores
from tests.support.processes import ROOT

TABLES = ["tasks", "schedules", "requests"]


@pytest.fixture
async def tenants(postgres_stores: Stores, kind: str) -> tuple[str, str]:
    """Two tenants with a task, a schedule and a named request each."""
    made = (str(uuid7()), str(uuid7()))
    for tenant in made:
        await postgres_stores.tasks.create([NewTask(tenant, "t", kind=kind, request_id=uuid7(), fingerprint=b"f")])
        await postgres_stores.schedules.create(NewSchedule(tenant, "s", "* * * * *", fingerprint=b"f"))
    return made


async def seen(pool: Pool, table: str, *tenants: str) -> set[str]:
    async with transaction(pool, tenants) as connection:
        return {str(row["tenant_id"]) for row in await connection.fetch(f"SELECT tenant_id FROM {table}")}


@pytest.mark.parametrize("table", TABLES)
async def test_service_sees_the_rows_of_the_named_tenants_and_no_others(
    pools: tuple[Pool, Pool], tenants: tuple[str, str], table: str
) -> None:
    pool, engine_pool = pools
    assert await seen(pool, table) == set()
    assert await seen(pool, table, tenants[0]) == {tenants[0]}
    assert await seen(pool, table, *tenants) == set(tenants)
    assert set(tenants) <= await seen(engine_pool, table)


@pytest.mark.parametrize("table", [*TABLES, "attempts", "task_retention", "kinds"])
async def test_row_level_security_is_forced(pools: tuple[Pool, Pool], table: str) -> None:
    async with connected(pools[0]) as connection:
        row = await connection.fetchrow(
            "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = $1", table
        )
    assert row is not None and tuple(row) == (True, True)


async def test_row_for_another_tenant_is_refused(pools: tuple[Pool, Pool], tenants: tuple[str, str]) -> None:
    async with transaction(pools[0], tenants[:1]) as connection:
        moved = await connection.execute("UPDATE tasks SET title = 'x' WHERE tenant_id = $1", tenants[1])
    assert moved == "UPDATE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(pools[0], tenants[:1]) as connection:
            await connection.execute("UPDATE tasks SET tenant_id = $1", tenants[1])


async def test_batch_of_several_tenants_is_forgotten_with_its_statement(
    pools: tuple[Pool, Pool], tenants: tuple[str, str], postgres_stores: Stores
) -> None:
    await postgres_stores.tasks.create([NewTask(tenant, "t") for tenant in tenants])
    async with connected(pools[0]) as connection:
        assert await connection.fetchval("SELECT count(*) FROM tasks") == 0


async def test_service_deletes_no_task_and_writes_no_attempt(
    pools: tuple[Pool, Pool], tenants: tuple[str, str]
) -> None:
    for statement in (
        "DELETE FROM tasks",
        "INSERT INTO attempts (tenant_id, task_id, number, worker, started_at) SELECT tenant_id, task_id, 1, 'w', now()"
        " FROM tasks",
        "UPDATE kinds SET internal = false",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            async with transaction(pools[0], tenants) as connection:
                await connection.execute(statement)


def test_engine_takes_its_times_from_the_database_alone() -> None:
    """The wall clock of a replica or a worker may jump: no code of theirs asks it, but for the store in memory."""
    asking = re.compile(r"\b(time\.time|datetime\.now|utcnow|\.today)\b|uuid7")
    sources = [*(ROOT / "services/task").rglob("*.py"), *(ROOT / "meshkit/tasks").rglob("*.py")]
    found = {path.name for path in sources if asking.search(path.read_text())}
    assert found == {"memory.py", "memory_schedules.py", "schedules.py"}
    # The one in schedules.py makes an identifier, not a time.
    assert "datetime.now" not in (ROOT / "services/task/servicer/schedules.py").read_text()


def test_statements_of_the_engine_are_given_no_times() -> None:
    """Of all parameters only what a person chose is a time: due_at and run_after."""
    statements = (MIGRATIONS / "0001_tasks.sql").read_text()
    statements += "".join((ROOT / "services/task/adapters" / name).read_text() for name in ("postgres_engine.py",))
    parameters = set(re.findall(r"(\w+)(?:_ats|_afters) timestamptz\[\]", statements))
    assert parameters == {"due", "run"}
    assert not re.search(r"\$\d+::timestamptz", statements)
