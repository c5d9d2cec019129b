"""Composes reports of quality: how they are asked for, and what does them."""

from __future__ import annotations

from datetime import UTC, datetime

import grpc
from rampart.fraud.v1 import quality_service_pb2, quality_service_pb2_grpc

from meshkit.host import Host
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc.server import MeshServer
from meshkit.storage import postgres
from meshkit.storage.reads import Reads
from meshkit.tasks import RemoteTasks
from services.fraud.adapters.child_quality import ChildQuality
from services.fraud.adapters.postgres_event_types import PostgresEventTypes
from services.fraud.adapters.postgres_features import PostgresFeatures
from services.fraud.adapters.postgres_lists import PostgresLists
from services.fraud.adapters.postgres_quality import PostgresQuality, PostgresQualityWriter
from services.fraud.service.quality.choosing import QualityChoices
from services.fraud.service.quality.keeping import QualityKeeper
from services.fraud.service.quality.tasks import KIND, QualityWork
from services.fraud.service.scenarios.vocabularies import DeclaredVocabularies
from services.fraud.servicer import QualityServicer
from services.fraud.settings import FraudSettings

__all__ = ["QUALITY_SERVICE", "serve_quality"]

QUALITY_SERVICE = quality_service_pb2.DESCRIPTOR.services_by_name["QualityService"]
PRUNE_SECONDS = 3_600.0


async def serve_quality(
    host: Host, settings: FraudSettings, server: MeshServer, reads: Reads, pages: Pages, tasks: grpc.aio.Channel
) -> QualityWork:
    """Adds `QUALITY_SERVICE`. Returns what does the tasks of reports."""
    pool = await host.open(postgres.pool(settings.dsn, size=2), name="postgres of reports")
    writer, stored = PostgresQualityWriter(pool), PostgresQuality(reads)
    host.background("old reports", Periodic("old reports", writer.prune, interval=PRUNE_SECONDS).run)
    event_types = PostgresEventTypes(reads)
    vocabularies = DeclaredVocabularies(event_types, PostgresFeatures(reads), PostgresLists(pool, reads))
    choices = QualityChoices(vocabularies, event_types, _now)
    keeper = QualityKeeper(stored, RemoteTasks(tasks, KIND), choices, _now)
    servicer = QualityServicer(keeper, IdempotentChanges(writer), pages=pages)
    server.add(quality_service_pb2_grpc.add_QualityServiceServicer_to_server, servicer)
    return QualityWork(stored, ChildQuality(settings.dsn))


def _now() -> datetime:
    return datetime.now(UTC)
