"""Row-level security of every table of every service, as the catalogues of the migrated databases tell it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from meshkit.topology import load
from tests.support.servers import Database

Catalogue = asyncpg.Connection

OF_NO_TENANT = {
    *((service, "schema_migrations") for service in load().names),
    ("auth", "signing_keys"),
    # By hashes of who tried, whom nobody knows yet.
    ("auth", "sign_in_failures"),
    # Gone after minutes, whosever they are.
    ("auth", "sign_in_attempts"),
    ("auth", "seen_proofs"),
    ("task", "kinds"),
    ("fraud", "graph_place"),
    ("fraud", "key_secret"),
    ("fraud", "log_generation"),
    ("fraud", "outbox_consumers"),
    ("fraud", "outbox_pruned"),
    ("data", "positions"),
    ("data", "rebuilds"),
    ("cases", "positions"),
    # What cannot be read names no tenant; an event in it may.
    ("data", "dead_letters"),
    ("cases", "dead_letters"),
}
"""Tables without the tenant of their rows: those of the platform itself."""

_TABLES = """
SELECT relname AS name, relrowsecurity AND relforcerowsecurity AS forced, pg_get_userbyid(relowner) AS owner,
    EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant_id' AND NOT attisdropped)
        AS of_tenant,
    ARRAY(SELECT coalesce(pg_get_expr(polqual, polrelid), '') || coalesce(pg_get_expr(polwithcheck, polrelid), '')
        FROM pg_policy WHERE polrelid = c.oid) AS policies
FROM pg_class AS c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"""

_PARTITIONS = """
SELECT c.relname AS name, r.rolname AS role FROM pg_class AS c, pg_roles AS r
WHERE c.relispartition AND c.relkind = 'r' AND r.rolname = ANY ($1)
    AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')"""

_SUPER = """
SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)
    AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)"""

_MEMBERS = """
SELECT r.rolname FROM pg_auth_members AS m JOIN pg_roles AS r ON r.oid = m.member WHERE r.rolname = ANY ($1)"""


@pytest.fixture(params=load().names)
async def catalogue(request: pytest.FixtureRequest, databases: dict[str, Database]) -> AsyncIterator[Catalogue]:
    database = databases[request.param]
    connection = await asyncpg.connect(database.server.dsn(database.name))
    yield connection
    await connection.close()


@pytest.fixture
def service(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["catalogue"])


async def test_every_table_of_a_tenant_forces_a_policy_that_asks_for_its_tenant(
    catalogue: Catalogue, service: str
) -> None:
    tables = [table for table in await catalogue.fetch(_TABLES) if table["of_tenant"]]
    assert tables
    assert [table["name"] for table in tables if not table["forced"]] == []
    assert [each["name"] for each in tables if not any("rampart_tenants()" in one for one in each["policies"])] == []


async def test_tables_without_a_tenant_are_those_that_are_known(catalogue: Catalogue, service: str) -> None:
    found = {(service, table["name"]) for table in await catalogue.fetch(_TABLES) if not table["of_tenant"]}
    assert found == {each for each in OF_NO_TENANT if each[0] == service}


async def test_no_role_of_a_process_goes_past_the_policies(catalogue: Catalogue, service: str) -> None:
    entry = load().service(service)
    roles = [entry.user(role) for role in entry.dsns()]
    assert await catalogue.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = ANY ($1)", roles) == len(roles)
    assert await catalogue.fetch(_SUPER, [*roles, entry.user("owner")]) == []
    assert await catalogue.fetch(_MEMBERS, [*roles, entry.user("owner")]) == []
    assert {table["owner"] for table in await catalogue.fetch(_TABLES)} == {entry.user("owner")}
    # A partition that is named itself has no policies of its table.
    assert await catalogue.fetch(_PARTITIONS, roles) == []
