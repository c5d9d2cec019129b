"""Row-level security of decisions and outbox, as each role of the fraud service meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from meshkit.errors import MeshError
from meshkit.storage.postgres import Pool, open_pool, transaction
from services.fraud.adapters.logs.postgres_history import PostgresHistory
from services.fraud.ports import HistoryKey
from tests.support.fraud import check, decided, new_tenant
from tests.support.readers import keys_of, store_of
from tests.support.servers import Database

INSERT = """
INSERT INTO decisions (tenant_id, decision_id, transaction_id, event_type, user_id, outcome, event_time, create_time,
    event, answer, inputs)
VALUES ($1, gen_random_uuid(), 'forged', 'payment', 'u1', 'approve', now(), now(), '{}', '', '')"""
INSERT_NAME = "INSERT INTO transactions VALUES ($1, 'forged', gen_random_uuid(), '')"
INSERT_GAP = "INSERT INTO log_gaps (tenant_id, decisions) VALUES ($1, '{}')"


@pytest.fixture
async def tenants(pool: Pool) -> tuple[str, str]:
    """Two tenants with one decision each, about transactions of the same identifier."""
    made = (new_tenant(), new_tenant())
    for tenant in made:
        assert (await store_of(pool).commit([decided(check(tenant, "t-1"))])).earlier == {}
    return made


@pytest.fixture
async def owner(fraud_database: Database) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(fraud_database.owner_dsn, timeout=5)
    yield connection
    await connection.close(timeout=5)


async def seen(pool: Pool, table: str, *tenants: str) -> set[str]:
    async with transaction(pool, tenants) as connection:
        return {str(row["tenant_id"]) for row in await connection.fetch(f"SELECT tenant_id FROM {table}")}


@pytest.mark.parametrize("table", ["decisions", "transactions", "outbox"])
async def test_rows_of_the_named_tenants_are_seen_and_no_others(
    pool: Pool, tenants: tuple[str, str], table: str
) -> None:
    first, second = tenants
    assert await seen(pool, table) == set()
    assert await seen(pool, table, new_tenant()) == set()
    assert await seen(pool, table, first) == {first}
    assert await seen(pool, table, first, second) == {first, second}


@pytest.mark.parametrize("table", ["decisions", "transactions", "outbox"])
async def test_without_a_transaction_of_ours_nothing_is_seen(pool: Pool, tenants: tuple[str, str], table: str) -> None:
    assert await seen(pool, table, *tenants) == set(tenants)
    for _ in range(20):
        async with pool.acquire() as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize("statement", [INSERT, INSERT_NAME, INSERT_GAP])
async def test_row_for_another_tenant_is_refused(pool: Pool, tenants: tuple[str, str], statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(pool, tenants[:1]) as connection:
            await connection.execute(statement, tenants[1])


async def test_gap_of_another_tenant_is_neither_seen_nor_closed(pool: Pool, tenants: tuple[str, str]) -> None:
    async with transaction(pool, tenants[1:]) as connection:
        await connection.execute(INSERT_GAP, tenants[1])
    async with transaction(pool, tenants[:1]) as connection:
        assert await connection.execute("DELETE FROM log_gaps") == "DELETE 0"
        assert await connection.execute("UPDATE log_gaps SET filled = now()") == "UPDATE 0"
    assert await seen(pool, "log_gaps", tenants[1]) == {tenants[1]}


@pytest.mark.parametrize("role", ["relay", "cleaner"])
async def test_secret_of_keys_and_generation_of_logs_are_the_services_own(
    fraud_database: Database, tenants: tuple[str, str], role: str
) -> None:
    connection = await asyncpg.connect(fraud_database.server.dsn(fraud_database.name, f"rampart_fraud_{role}"))
    try:
        for table in ("key_secret", "log_generation"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT * FROM {table}")
    finally:
        await connection.close(timeout=5)


async def test_event_for_another_tenant_is_refused(pool: Pool, tenants: tuple[str, str]) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(pool, tenants[:1]) as connection:
            await connection.execute("INSERT INTO outbox (tenant_id, payload) VALUES ($1, '')", tenants[1])


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM outbox",
        "UPDATE outbox SET payload = ''",
        "UPDATE outbox_pruned SET seq = 1",
        "SELECT count(*) FROM outbox_consumers",
        "UPDATE decisions SET outcome = 'approve'",
        "DELETE FROM decisions",
        "TRUNCATE decisions",
        "ALTER TABLE decisions DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON decisions",
        "SET LOCAL ROLE rampart_fraud_owner",
    ],
)
async def test_service_may_do_nothing_but_add_and_read(pool: Pool, tenants: tuple[str, str], statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(pool, tenants) as connection:
            await connection.execute(statement)


async def test_relay_reads_the_outbox_of_every_tenant_and_no_decision(
    fraud_database: Database, tenants: tuple[str, str]
) -> None:
    pool = await open_pool(fraud_database.relay_dsn, size=1)
    async with pool.acquire() as connection:
        rows = await connection.fetch("SELECT DISTINCT tenant_id FROM outbox")
        assert set(tenants) <= {str(row["tenant_id"]) for row in rows}
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM decisions")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("INSERT INTO outbox (tenant_id, payload) VALUES ($1, '')", tenants[0])
    await pool.close()


async def test_owner_is_subject_to_the_policies_as_well(
    owner: asyncpg.Connection[asyncpg.Record], tenants: tuple[str, str]
) -> None:
    assert await owner.fetchval("SELECT count(*) FROM decisions") == 0


async def test_every_table_forces_row_level_security(owner: asyncpg.Connection[asyncpg.Record]) -> None:
    rows = await owner.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
        " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> 'schema_migrations'"
    )
    assert {"decisions", "decisions_before", "transactions", "log_gaps", "outbox", "event_types"} <= {
        row["relname"] for row in rows
    }
    assert [row["relname"] for row in rows if not row["forced"]] == []


async def test_these_tests_would_notice_a_policy_that_is_gone(
    fraud_database: Database, tenants: tuple[str, str]
) -> None:
    """Inside a transaction that is rolled back: what the policy alone keeps apart is then seen."""
    first, second = tenants
    superuser = await asyncpg.connect(fraud_database.server.dsn(fraud_database.name), timeout=5)

    async def change(statement: str) -> None:
        await superuser.execute(f"RESET ROLE; {statement}; SET LOCAL ROLE rampart_fraud_service")

    ours = superuser.transaction()
    await ours.start()
    try:
        await superuser.execute("SELECT set_config('rampart.tenants', $1, true)", first)
        await change("SELECT 1")
        assert await _tenants(superuser, tenants) == {first}
        await change("DROP POLICY tenant ON decisions")
        assert await _tenants(superuser, tenants) == set(), "forced row-level security without a policy shows nothing"
        await change("CREATE POLICY tenant ON decisions USING (true)")
        assert await _tenants(superuser, tenants) == {first, second}
        await superuser.execute(INSERT, second)
    finally:
        await ours.rollback()
        await superuser.close(timeout=5)


async def _tenants(connection: asyncpg.Connection[asyncpg.Record], tenants: tuple[str, str]) -> set[str]:
    rows = await connection.fetch("SELECT tenant_id FROM decisions WHERE tenant_id = ANY ($1::uuid[])", list(tenants))
    return {str(row["tenant_id"]) for row in rows}


async def test_text_in_the_list_of_tenants_cannot_widen_it(pool: Pool, tenants: tuple[str, str]) -> None:
    with pytest.raises((asyncpg.PostgresError, MeshError)):
        await seen(pool, f"{tenants[0]}'); SELECT set_config('rampart.tenants', '{tenants[1]}', true); --")


async def test_history_of_a_key_does_not_cross_tenants_of_one_read(pool: Pool, tenants: tuple[str, str]) -> None:
    """Both tenants are named in the transaction; each key still has its own tenant's events alone."""
    asked = [HistoryKey(tenant, (("user_id", "u1"),), ("payment",), (0,), None) for tenant in tenants]
    found = await PostgresHistory(pool, keys_of(pool)).read(asked, 10)
    assert [len(each.events) for each in found] == [1, 1]
