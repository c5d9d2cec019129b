"""Graphs that another store keeps: what PostgreSQL says of them, and what becomes of decisions without that store."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from meshkit.host import Host
from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.postgres import pool as pool_of
from services.fraud.adapters.graph.postgres_events import PostgresGraphEvents
from services.fraud.adapters.graph.postgres_reads import PostgresGraphReads
from services.fraud.adapters.graph.postgres_store import PostgresGraphStore
from services.fraud.adapters.graph.postgres_whole_graphs import PostgresWholeGraphs
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_features import PostgresFeatureHeads, PostgresFeatureWriter
from services.fraud.app.graphing import open_graph
from services.fraud.domain.declared.graph import GraphFeature
from services.fraud.domain.graph.entities import EntityName, entity_number
from services.fraud.domain.graph.measures import GraphMeasure
from services.fraud.ports.graph import EntityRef
from services.fraud.service.graph.keeping import GraphKeeper
from services.fraud.service.tenants.configuration import Configurations
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures
from tests.support.deciding import DecidingBench
from tests.support.features import declare
from tests.support.fraud import check, decided, new_tenant
from tests.support.graph import enter, payment
from tests.support.processes import ROOT, free_port
from tests.support.readers import store_of
from tests.support.servers import Database

SIZE = GraphFeature(name="size", event_type="payment", key="user_id", measure=GraphMeasure.COMPONENT_SIZE)
U1 = entity_number(EntityName("user_id", "u1"))


@dataclass
class Said:
    """What PostgreSQL says of graphs, and the store that PostgreSQL has itself."""

    service: Pool
    relay: Pool
    tenant: str

    async def tell(self, *whole: str) -> None:
        await PostgresWholeGraphs(self.relay, self.service).tell(whole)

    async def read(self) -> tuple[bool, int]:
        """Returns whether processes take the graph for whole, and the revision by which they learn of it."""
        found = await PostgresDeclarations(self.service).read(self.tenant)
        return found.features.linked, found.revision

    async def missing(self) -> bool:
        """Tells whether PostgreSQL has no graph of the tenant that is whole."""
        return bool((await PostgresGraphReads(self.service).entities([EntityRef(self.tenant, U1)])).missing)


@pytest.fixture
async def said(lone_database: Database) -> AsyncIterator[Said]:
    async with AsyncExitStack() as opened:
        service = await opened.enter_async_context(pool_of(lone_database.dsn))
        relay = await opened.enter_async_context(pool_of(lone_database.relay_dsn))
        found = Said(service, relay, new_tenant())
        await declare(PostgresFeatureWriter(service), found.tenant, SIZE)
        yield found


async def test_what_is_said_is_mended_in_both_directions_and_told_once(said: Said) -> None:
    _, first = await said.read()
    await said.tell(said.tenant)
    assert await said.read() == (True, first + 1)
    await said.tell(said.tenant)
    assert await said.read() == (True, first + 1)
    await said.tell()
    assert await said.read() == (False, first + 2)


async def test_what_postgres_kept_is_deleted_when_another_store_keeps_graphs(said: Said) -> None:
    await enter(PostgresGraphStore(said.relay, said.service), said.tenant, payment("u1", device_fingerprint="d1"))
    assert (await said.read())[0] and not await said.missing()
    await said.tell(said.tenant)
    assert not (await said.read())[0] and await said.missing(), "what is new has not been said yet"
    async with transaction(said.service, [said.tenant]) as connection:
        assert await connection.fetchval("SELECT count(*) FROM graph_entities") == 0
    await said.tell(said.tenant)
    assert (await said.read())[0] and await said.missing()


async def test_a_graph_that_another_store_kept_is_made_anew_in_postgres(said: Said) -> None:
    await store_of(said.service).commit([decided(check(said.tenant, user_id="u1"))])
    await said.tell(said.tenant)
    was_whole, revision = await said.read()
    assert was_whole and await said.missing()
    keeper = GraphKeeper(
        store=PostgresGraphStore(said.relay, said.service),
        events=PostgresGraphEvents(said.relay, said.service),
        heads=PostgresFeatureHeads(said.relay, said.service),
        sets=ConfiguredFeatures(Configurations(PostgresDeclarations(said.service)), stale_seconds=0.0),
        kept=timedelta(days=30), ahead_seconds=0.0, settled_seconds=0.0, look_seconds=0.0,
    )  # fmt: skip
    await keeper.round()
    assert await said.read() == (False, revision + 1), "all processes are told"
    for _ in range(4):
        await keeper.round()
    assert (await said.read())[0]
    found = await PostgresGraphReads(said.service).entities([EntityRef(said.tenant, U1)])
    assert [each.name.value for each in found.summaries.values()] == ["u1"]


def test_the_driver_of_neo4j_is_imported_where_it_is_configured_and_nowhere_else() -> None:
    script = "import sys, services.fraud.app.serving; assert 'neo4j' not in sys.modules, 'imported'"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""


async def test_without_neo4j_the_service_starts_and_decisions_say_what_they_lack(
    said: Said, lone_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    settings: Any = SimpleNamespace(
        dsn=lone_database.dsn, relay_dsn=lone_database.relay_dsn, graph_retention_days=30, graph_wait_ms=50,
        graph_neo4j_url=f"bolt://keeper:hidden@127.0.0.1:{free_port()}",
    )  # fmt: skip
    sets = ConfiguredFeatures(Configurations(PostgresDeclarations(said.service)), stale_seconds=0.0)
    async with Host("fraud") as host:
        found = DecidingBench(features=[SIZE])
        found.beside.graph = await open_graph(host, settings, cast(Any, sets))
        (answer,) = await found.decide(said.tenant, {})
        assert answer.decided is not None and answer.decided.degraded == ("graph",)
        async with asyncio.timeout(10):
            while "graphs cannot be kept: neo4j cannot be reached" not in caplog.text:
                await asyncio.sleep(0.01)
        assert not await host.readiness.missing()
        assert set(await host.readiness.warnings()) == {"neo4j"}
    assert "hidden" not in caplog.text
