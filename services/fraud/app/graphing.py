"""Composes the graph: what keeps it, what reads it for checks, and what shows it."""

from __future__ import annotations

from datetime import timedelta

from rampart.fraud.v1 import graph_service_pb2, graph_service_pb2_grpc

from meshkit.host import Host
from meshkit.rpc.server import MeshServer
from meshkit.storage import postgres
from meshkit.storage.leader import Leader
from meshkit.storage.reads import Reads
from services.fraud.adapters.graph.postgres_events import PostgresGraphEvents
from services.fraud.adapters.graph.postgres_reads import PostgresGraphReads
from services.fraud.adapters.graph.postgres_store import PostgresGraphStore
from services.fraud.adapters.graph.postgres_whole_graphs import PostgresWholeGraphs
from services.fraud.adapters.postgres_event_types import PostgresEventTypes
from services.fraud.adapters.postgres_features import PostgresFeatureHeads
from services.fraud.ports.graph import GraphReads, GraphStore
from services.fraud.service.graph.keeping import GraphKeeper
from services.fraud.service.graph.neighbourhood import GraphView
from services.fraud.service.graph.reading import GraphReader
from services.fraud.service.tenants.feature_sets import FeatureSets
from services.fraud.servicer import GraphServicer
from services.fraud.settings import FraudSettings

__all__ = ["GRAPH_SERVICE", "open_graph", "serve_graph"]

GRAPH_SERVICE = graph_service_pb2.DESCRIPTOR.services_by_name["GraphService"]
KEEPER_SECONDS = 30.0


async def open_graph(host: Host, settings: FraudSettings, sets: FeatureSets) -> GraphReader:
    """Reads the graph for checks, and keeps it."""
    # Connections of their own: what is slow here holds up no commit.
    service = await host.open(postgres.pool(settings.dsn, size=1, seconds=KEEPER_SECONDS), name="postgres of graphs")
    relay = await host.open(postgres.pool(settings.relay_dsn, size=1), name="postgres of the tenants of graphs")
    keeper = GraphKeeper(
        store=await _store(host, settings, relay, service),
        events=PostgresGraphEvents(relay, service),
        heads=PostgresFeatureHeads(relay, service),
        sets=sets,
        kept=timedelta(days=settings.graph_retention_days),
    )
    host.background("graphs", Leader(settings.relay_dsn, "graphs", lambda _: keeper.keep()).run)
    return GraphReader(await _reads(host, settings, "the graph", size=3), wait_seconds=settings.graph_wait_ms / 1_000)


async def serve_graph(host: Host, settings: FraudSettings, server: MeshServer, reads: Reads) -> None:
    """Adds `GRAPH_SERVICE`."""
    shown = await _reads(host, settings, "shown graphs", size=2)
    servicer = GraphServicer(GraphView(shown, PostgresEventTypes(reads)))
    server.add(graph_service_pb2_grpc.add_GraphServiceServicer_to_server, servicer)


async def _reads(host: Host, settings: FraudSettings, what: str, *, size: int) -> GraphReads:
    """Reads graphs from where they are kept, over at most `size` connections."""
    if not settings.graph_neo4j_url:
        return PostgresGraphReads(await host.open(postgres.pool(settings.dsn, size=size), name=f"postgres of {what}"))
    # Here, so that nobody else imports the driver.
    from services.fraud.adapters.graph.neo4j_driver import open_neo4j
    from services.fraud.adapters.graph.neo4j_reads import Neo4jGraphReads

    return Neo4jGraphReads(await host.open(open_neo4j(settings.graph_neo4j_url, size=size), name=f"neo4j of {what}"))


async def _store(host: Host, settings: FraudSettings, relay: postgres.Pool, service: postgres.Pool) -> GraphStore:
    """Keeps graphs. Without Neo4j the service is ready all the same."""
    if not settings.graph_neo4j_url:
        return PostgresGraphStore(relay, service)
    from services.fraud.adapters.graph.neo4j_driver import open_neo4j
    from services.fraud.adapters.graph.neo4j_store import Neo4jGraphStore

    driver = await host.open(open_neo4j(settings.graph_neo4j_url, size=2), name="neo4j of graphs")
    host.warn("neo4j", driver.verify_connectivity)
    return Neo4jGraphStore(driver, PostgresWholeGraphs(relay, service))
