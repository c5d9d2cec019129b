"""Every store of graphs, for the tests that each has to pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from meshkit.storage.postgres import pool
from services.fraud.adapters.graph.memory_graph import MemoryGraph
from services.fraud.adapters.graph.neo4j_reads import Neo4jGraphReads
from services.fraud.adapters.graph.neo4j_store import Neo4jGraphStore
from services.fraud.adapters.graph.postgres_reads import PostgresGraphReads
from services.fraud.adapters.graph.postgres_store import PostgresGraphStore
from services.fraud.adapters.graph.postgres_whole_graphs import PostgresWholeGraphs
from services.fraud.ports.graph import GraphReads, GraphStore
from tests.support.neo4j import neo4j_driver
from tests.support.servers import Database

__all__ = ["KeptGraph", "graph_in"]


@dataclass
class KeptGraph:
    """A store of graphs, and what reads it."""

    store: GraphStore
    reads: GraphReads


@asynccontextmanager
async def graph_in(kind: str, database: Database) -> AsyncIterator[KeptGraph]:
    """Opens the store of a kind: "memory", "postgres" or "neo4j". Skips the test if there is none."""
    if kind == "memory":
        twin = MemoryGraph()
        yield KeptGraph(twin, twin)
        return
    async with pool(database.dsn) as service, pool(database.relay_dsn) as relay:
        if kind == "postgres":
            yield KeptGraph(PostgresGraphStore(relay, service), PostgresGraphReads(service))
            return
        async with neo4j_driver() as driver:
            told = PostgresWholeGraphs(relay, service)
            yield KeptGraph(Neo4jGraphStore(driver, told), Neo4jGraphReads(driver))
