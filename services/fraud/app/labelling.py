"""Composes labels: how they are told, what counts them, and what enters files of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import grpc
from rampart.fraud.v1 import label_service_pb2, label_service_pb2_grpc
from redis.asyncio import Redis

from meshkit.host import Host
from meshkit.pages import Pages
from meshkit.rpc.server import MeshServer
from meshkit.storage import postgres
from meshkit.storage.leader import Leader
from meshkit.storage.reads import Reads
from meshkit.tasks import RemoteTasks
from services.fraud import convert
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.logs.postgres_gaps import LogFence
from services.fraud.adapters.logs.redis_logs import RedisLogs
from services.fraud.adapters.postgres_label_imports import PostgresLabelImports
from services.fraud.adapters.postgres_labels import PostgresLabels, PostgresLabelWriter
from services.fraud.adapters.postgres_untold_labels import PostgresUntoldLabels
from services.fraud.service.labels.importing import KIND, LabelFiles, LabelImportWork
from services.fraud.service.labels.keeping import LabelService
from services.fraud.service.labels.matching import LabelKeeper
from services.fraud.service.labels.telling import LabelTeller
from services.fraud.service.tenants.configuration import Configurations
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures
from services.fraud.servicer import LabelServicer
from services.fraud.settings import FraudSettings

__all__ = ["LABEL_SERVICE", "serve_labels"]

LABEL_SERVICE = label_service_pb2.DESCRIPTOR.services_by_name["LabelService"]


async def serve_labels(
    host: Host,
    settings: FraudSettings,
    server: MeshServer,
    reads: Reads,
    pages: Pages,
    tasks: grpc.aio.Channel,
    redis: Redis,
    configurations: Configurations,
    on_commit: Callable[[], None],
) -> LabelImportWork:
    """Adds `LABEL_SERVICE`. Returns what does the tasks of files."""
    # Their own connections: no decision waits for one.
    pool = await host.open(postgres.pool(settings.dsn, size=3), name="postgres of labels")
    relay = await host.open(postgres.pool(settings.relay_dsn, size=1), name="postgres of the tenants of labels")
    logs = RedisLogs(redis, secret=EventKeys(pool).secret, fence=LogFence(pool))
    untold = PostgresUntoldLabels(relay, pool, on_commit)
    teller = LabelTeller(logs, ConfiguredFeatures(configurations), untold)
    keeper = LabelKeeper(untold, teller)
    host.background("labels", Leader(settings.relay_dsn, "labels", lambda _: keeper.keep()).run)
    service, imports = LabelService(PostgresLabels(reads), _now), PostgresLabelImports(reads)
    writer, columns = PostgresLabelWriter(pool, on_commit), convert.LABEL_COLUMNS_OF_FILES
    files = LabelFiles(imports, RemoteTasks(tasks, KIND), columns, _now)
    servicer = LabelServicer(service, files, writer, teller, pages)
    server.add(label_service_pb2_grpc.add_LabelServiceServicer_to_server, servicer)
    return LabelImportWork(imports, writer, service, teller, columns, convert.label_from_row)


def _now() -> datetime:
    return datetime.now(UTC)
