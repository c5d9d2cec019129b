"""An address that 100,000 users share: no component swallows the rest, and whatever is read of it stays small."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from meshkit.storage.postgres import Pool, open_pool, transaction
from services.fraud.adapters.graph.postgres_reads import PostgresGraphReads
from services.fraud.adapters.graph.postgres_store import PostgresGraphStore
from services.fraud.adapters.postgres_event_types import PostgresEventTypes
from services.fraud.domain.graph.entities import HUB_DEGREE, EntityName, entity_number
from services.fraud.domain.outbox import Place, PlaceProof
from services.fraud.ports.graph import EntityRef
from services.fraud.service.graph.forgetting import forget
from services.fraud.service.graph.neighbourhood import GraphView
from tests.support.fraud import new_tenant
from tests.support.graph import START, enter, payment, read
from tests.support.servers import Database

USERS = 100_000
SHARED = "192.0.2.1"
HUB = EntityName("ip_address", SHARED)
READ_ROWS = 4 * HUB_DEGREE
"""Rows that a plan may touch at most, for what looks at 64 neighbours."""


@pytest.fixture(scope="module")
async def hub(fraud_database: Database) -> AsyncIterator[tuple[PostgresGraphStore, Pool, str]]:
    pool, relay = await open_pool(fraud_database.dsn, seconds=60), await open_pool(fraud_database.relay_dsn)
    store, tenant = PostgresGraphStore(relay, pool), new_tenant()
    await enter(store, tenant, *(payment(f"u{each}", ip_address=SHARED) for each in range(HUB_DEGREE + 1)))
    async with transaction(pool, [tenant]) as connection:
        # As events would, in less time: each a user of one payment, who is linked with the address alone.
        await connection.execute(
            """
            WITH users AS (
                SELECT -4e18::bigint + n AS entity, 'n' || n AS value, now() - make_interval(secs => n / 10.0) AS at
                FROM generate_series(1, $3::integer) AS n
            ), entered AS (
                INSERT INTO graph_entities (tenant_id, entity, kind, value, first_time, last_time, component, degree)
                SELECT $1, entity, 'user_id', value, at, at, entity, 1 FROM users
            ), linked AS (
                INSERT INTO graph_edges
                SELECT $1, entity, $2, false, 1, 'USD', 500, 500, at, at FROM users
            )
            UPDATE graph_entities SET degree = degree + $3 WHERE tenant_id = $1 AND entity = $2""",
            tenant, entity_number(HUB), USERS,
        )  # fmt: skip
    # As the server does by itself, in a minute.
    owner = await open_pool(fraud_database.owner_dsn)
    await owner.execute("ANALYZE graph_entities, graph_edges")
    await owner.close()
    async with store.begin([]) as changes:
        await changes.move(Place(1, 1), PlaceProof(), datetime.now(UTC))
    yield store, pool, tenant
    await pool.close()
    await relay.close()


async def test_no_component_swallows_the_users_of_a_hub(hub: tuple[PostgresGraphStore, Pool, str]) -> None:
    store, pool, tenant = hub
    await enter(store, tenant, *(payment(f"late{each}", 1_000, ip_address=SHARED) for each in range(20)))
    await enter(store, tenant, payment("late1", 1_001, device_fingerprint="d1"))
    shared, late, other = await read(
        PostgresGraphReads(pool), tenant, HUB, EntityName("user_id", "late1"), EntityName("user_id", "late2")
    )
    assert shared is not None and late is not None and other is not None
    assert shared.degree == USERS + HUB_DEGREE + 21
    assert (shared.sizes.size, late.sizes.size, other.sizes.size) == (1, 2, 1)


async def test_what_a_decision_reads_of_a_hub_is_one_row(hub: tuple[PostgresGraphStore, Pool, str]) -> None:
    _, pool, tenant = hub
    before = await touched(pool)
    found = await PostgresGraphReads(pool).entities([EntityRef(tenant, entity_number(HUB))])
    assert len(found.summaries) == 1
    assert await touched(pool) - before <= 10


async def test_known_fraud_of_a_user_of_a_hub_is_looked_for_at_few_others(
    hub: tuple[PostgresGraphStore, Pool, str],
) -> None:
    store, pool, tenant = hub
    before = await touched(pool)
    await enter(store, tenant, payment("bad", 2_000, ip_address=SHARED, fraud=True))
    assert await touched(pool) - before < 20 * READ_ROWS
    (user,) = await read(PostgresGraphReads(pool), tenant, EntityName("user_id", "late3"))
    assert user is None or user.fraud_near == 0


async def test_the_neighbourhood_of_a_hub_is_shown_in_part(hub: tuple[PostgresGraphStore, Pool, str]) -> None:
    _, pool, tenant = hub
    found = await GraphView(PostgresGraphReads(pool), NoTypes()).around(tenant, HUB, 3, 500)
    assert found.is_partial
    assert HUB_DEGREE < len(found.entities) <= 500


async def test_to_forget_one_link_few_entities_are_read(hub: tuple[PostgresGraphStore, Pool, str]) -> None:
    store, pool, tenant = hub
    await enter(store, tenant, payment("old", -2_400, device_fingerprint="d2"))
    before = await touched(pool)
    assert not await forget(store, tenant, START - timedelta(days=99))
    assert await touched(pool) - before < READ_ROWS
    assert await read(PostgresGraphReads(pool), tenant, EntityName("user_id", "old")) == [None]


class NoTypes(PostgresEventTypes):
    """No event type is asked about."""

    def __init__(self) -> None:
        pass


async def touched(pool: Pool) -> int:
    """Returns how many rows of the graph's tables were read so far."""
    await pool.execute("SELECT pg_stat_force_next_flush()")
    count: int = await pool.fetchval(
        """
        SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables
        WHERE relname LIKE 'graph%'"""
    )
    return count
