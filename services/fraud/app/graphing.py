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
from services.fraud.adapters.postgres_event_types import PostgresEventTypes
from services.fraud.adapters.postgres_features import PostgresFeatureHeads
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
    reads = await host.open(postgres.pool(settings.dsn, size=3), name="postgres of the graph")
    service = await host.open(postgres.pool(settings.dsn, size=1, seconds=KEEPER_SECONDS), name="postgres of graphs")
    relay = await host.open(postgres.pool(settings.relay_dsn, size=1), name="postgres of the tenants of graphs")
    keeper = GraphKeeper(
        store=PostgresGraphStore(relay, service),
        events=PostgresGraphEvents(relay, service),
        heads=PostgresFeatureHeads(relay, service),
        sets=sets,
        kept=timedelta(days=settings.graph_retention_days),
    )
    host.background("graphs", Leader(settings.relay_dsn, "graphs", lambda _: keeper.keep()).run)
    return GraphReader(PostgresGraphReads(reads), wait_seconds=settings.graph_wait_ms / 1_000)


async def serve_graph(host: Host, settings: FraudSettings, server: MeshServer, reads: Reads) -> None:
    """Adds `GRAPH_SERVICE`."""
    pool = await host.open(postgres.pool(settings.dsn, size=2), name="postgres of shown graphs")
    servicer = GraphServicer(GraphView(PostgresGraphReads(pool), PostgresEventTypes(reads)))
    server.add(graph_service_pb2_grpc.add_GraphServiceServicer_to_server, servicer)
