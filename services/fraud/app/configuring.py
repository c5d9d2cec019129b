"""Composes what decisions go by: the configurations of tenants, and the services by which tenants change theirs."""

from __future__ import annotations

from functools import partial

from rampart.fraud.v1 import event_type_service_pb2, event_type_service_pb2_grpc

from meshkit.host import Host
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc.server import MeshServer
from meshkit.storage import postgres
from meshkit.storage.named_requests import RequestRetention
from meshkit.storage.notifications import Notifications
from meshkit.storage.reads import Reads
from services.fraud.adapters.engine_revisions import CHANNEL
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_event_types import PostgresEventTypes, PostgresEventTypeWriter
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.service.configuration import LOADS_AT_ONCE, Configurations, compiled
from services.fraud.service.event_types import EventTypeService
from services.fraud.servicer import EventTypeServicer
from services.fraud.settings import FraudSettings

__all__ = ["SERVICES", "open_configurations", "serve_changes"]

SERVICES = [event_type_service_pb2.DESCRIPTOR.services_by_name["EventTypeService"]]
WRITES_POOL_SIZE = 4


async def open_configurations(host: Host, settings: FraudSettings) -> Configurations:
    """Keeps the configurations of tenants the newest."""
    # Its own connections: no decision waits for one, and one more reads what has changed.
    pool = await host.open(postgres.pool(settings.dsn, size=LOADS_AT_ONCE + 1), name="postgres of configurations")
    configurations = Configurations(PostgresDeclarations(pool), partial(compiled, patterns=compile_pattern))
    listener = Notifications(
        settings.dsn, CHANNEL, tell=configurations.changed, tell_all=configurations.everything_changed
    )
    host.background("configurations", configurations.run)
    host.background("configuration listener", listener.run)
    return configurations


async def serve_changes(host: Host, settings: FraudSettings, server: MeshServer, reads: Reads, pages: Pages) -> None:
    """Adds the services of `SERVICES`."""
    pool = await host.open(postgres.pool(settings.dsn, size=WRITES_POOL_SIZE), name="postgres of changes")
    host.background("request retention", Periodic("request retention", RequestRetention(pool).delete).run)
    event_types = EventTypeServicer(
        EventTypeService(PostgresEventTypes(reads)), IdempotentChanges(PostgresEventTypeWriter(pool)), pages=pages
    )
    server.add(event_type_service_pb2_grpc.add_EventTypeServiceServicer_to_server, event_types)
