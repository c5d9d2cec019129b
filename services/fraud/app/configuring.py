"""Composes what decisions go by: the configurations of tenants, and the services by which tenants change theirs."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from rampart.fraud.v1 import (
    event_type_service_pb2,
    event_type_service_pb2_grpc,
    feature_service_pb2,
    feature_service_pb2_grpc,
    list_service_pb2,
    list_service_pb2_grpc,
)

from meshkit.host import Host
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc.server import MeshServer
from meshkit.storage import postgres
from meshkit.storage.named_requests import RequestRetention
from meshkit.storage.notifications import Notifications
from meshkit.storage.reads import Reads
from services.fraud.adapters.child_verifications import ChildVerifications
from services.fraud.adapters.engine_revisions import CHANNEL
from services.fraud.adapters.list_cleaning import ListCleaning
from services.fraud.adapters.opened_models import StoredModels
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_event_types import PostgresEventTypes, PostgresEventTypeWriter
from services.fraud.adapters.postgres_features import PostgresFeatures, PostgresFeatureWriter
from services.fraud.adapters.postgres_list_contents import PostgresListContents
from services.fraud.adapters.postgres_lists import PostgresLists
from services.fraud.adapters.postgres_models import PostgresModels
from services.fraud.adapters.watched_models import WatchedModels
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.expressions.rules import CelRules
from services.fraud.ports.drift import SeenWatch
from services.fraud.service.declaring.event_types import EventTypeService
from services.fraud.service.declaring.features import FeatureService
from services.fraud.service.logs.rebuilding import Rebuilds
from services.fraud.service.tenants.configuration import LOADS_AT_ONCE, Configuration, Configurations, compiled
from services.fraud.service.tenants.models import ModelCatalog
from services.fraud.service.value_lists.catalog import READINGS, ListCatalog
from services.fraud.service.value_lists.importing import ListImports
from services.fraud.service.value_lists.keeping import ListKeeper
from services.fraud.service.verification.verifying import Verifications
from services.fraud.servicer import EventTypeServicer, FeatureServicer, ListServicer
from services.fraud.settings import FraudSettings

__all__ = ["SERVICES", "Governing", "open_configurations", "serve_changes"]

SERVICES = [
    event_type_service_pb2.DESCRIPTOR.services_by_name["EventTypeService"],
    feature_service_pb2.DESCRIPTOR.services_by_name["FeatureService"],
    list_service_pb2.DESCRIPTOR.services_by_name["ListService"],
]
WRITES_POOL_SIZE = 4


class Governing(NamedTuple):
    """What decisions go by, kept the newest."""

    configurations: Configurations
    lists: ListCatalog
    models: ModelCatalog
    seen: SeenWatch
    """What these models see."""


async def open_configurations(host: Host, settings: FraudSettings) -> Governing:
    """Keeps the newest of the configurations of tenants, of what is on their lists, and of their models."""
    # Their own connections: no decision waits for one, and one more reads what has changed.
    read = await host.open(postgres.pool(settings.dsn, size=2), name="postgres of models")
    seen = WatchedModels()
    models = ModelCatalog(StoredModels(PostgresModels(Reads(read)), seen))

    async def prepare(tenant_id: str, changed: Configuration) -> None:
        await models.of(tenant_id, changed.scenarios.models)

    pool = await host.open(postgres.pool(settings.dsn, size=LOADS_AT_ONCE + 1), name="postgres of configurations")
    configurations = Configurations(
        PostgresDeclarations(pool), partial(compiled, patterns=compile_pattern), prepare=prepare
    )
    contents = await host.open(postgres.pool(settings.dsn, size=READINGS + 1), name="postgres of lists")
    lists = ListCatalog(PostgresListContents(contents))

    def tell(tenant_id: str) -> None:
        configurations.changed(tenant_id)
        lists.tell(tenant_id)

    def tell_all() -> None:
        configurations.everything_changed()
        lists.tell_all()

    host.background("configurations", configurations.run)
    host.background("lists", lists.run)
    host.background("configuration listener", Notifications(settings.dsn, CHANNEL, tell=tell, tell_all=tell_all).run)
    return Governing(configurations, lists, models, seen)


async def serve_changes(host: Host, settings: FraudSettings, server: MeshServer, reads: Reads, pages: Pages) -> None:
    """Adds the services of `SERVICES`."""
    pool = await host.open(postgres.pool(settings.dsn, size=WRITES_POOL_SIZE), name="postgres of changes")
    host.background("request retention", Periodic("request retention", RequestRetention(pool).delete).run)
    event_types = EventTypeServicer(
        EventTypeService(PostgresEventTypes(reads)), IdempotentChanges(PostgresEventTypeWriter(pool)), pages=pages
    )
    server.add(event_type_service_pb2_grpc.add_EventTypeServiceServicer_to_server, event_types)
    features = FeatureServicer(
        FeatureService(PostgresFeatures(reads), PostgresEventTypes(reads), CelRules()),
        IdempotentChanges(PostgresFeatureWriter(pool)),
        pages=pages,
        verifications=Verifications(
            ChildVerifications(settings.dsn, settings.redis_url), settings.decision_retention_days, _now
        ),
        rebuilds=Rebuilds(PostgresFeatures(reads), PostgresFeatureWriter(pool)),
    )
    server.add(feature_service_pb2_grpc.add_FeatureServiceServicer_to_server, features)
    lists = PostgresLists(pool, reads)
    servicer = ListServicer(ListKeeper(lists, _now), ListImports(lists, _now), IdempotentChanges(lists), pages)
    server.add(list_service_pb2_grpc.add_ListServiceServicer_to_server, servicer)
    cleaner = await host.open(postgres.pool(settings.cleaner_dsn, size=1), name="postgres of the end of entries")
    host.background("list cleaning", Periodic("list cleaning", ListCleaning(cleaner).clear).run)


def _now() -> datetime:
    return datetime.now(UTC)
