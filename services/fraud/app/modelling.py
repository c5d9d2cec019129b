"""Composes models: how they are asked for, what trains them, and what inspects those that are brought."""

from __future__ import annotations

from datetime import UTC, datetime

import grpc
from rampart.fraud.v1 import model_service_pb2, model_service_pb2_grpc

from meshkit.host import Host
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc.server import MeshServer
from meshkit.storage import postgres
from meshkit.storage.reads import Reads
from meshkit.tasks import RemoteTasks
from services.fraud.adapters.child_inspection import ChildInspection
from services.fraud.adapters.child_training import ChildTraining, TrainingLimits
from services.fraud.adapters.postgres_drift import PostgresDrift
from services.fraud.adapters.postgres_event_types import PostgresEventTypes
from services.fraud.adapters.postgres_features import PostgresFeatures
from services.fraud.adapters.postgres_lists import PostgresLists
from services.fraud.adapters.postgres_model_changes import PostgresModelWriter
from services.fraud.adapters.postgres_models import PostgresModels
from services.fraud.ports.drift import SeenWatch
from services.fraud.service.models.choosing import TrainingChoices
from services.fraud.service.models.drifting import DriftKeeper, ModelDrifts
from services.fraud.service.models.importing import ModelImports
from services.fraud.service.models.keeping import ModelKeeper
from services.fraud.service.models.training import KIND, TrainingWork
from services.fraud.service.models.versions import ModelVersions
from services.fraud.service.scenarios.vocabularies import DeclaredVocabularies
from services.fraud.servicer import ModelServicer, ModelUseCases
from services.fraud.settings import FraudSettings

__all__ = ["MODEL_SERVICE", "serve_models", "watch_models"]

MODEL_SERVICE = model_service_pb2.DESCRIPTOR.services_by_name["ModelService"]
PRUNE_SECONDS = 600.0
WATCH_SECONDS = 5.0


async def serve_models(
    host: Host, settings: FraudSettings, server: MeshServer, reads: Reads, pages: Pages, tasks: grpc.aio.Channel
) -> TrainingWork:
    """Adds `MODEL_SERVICE`. Returns what does the tasks of training."""
    pool = await host.open(postgres.pool(settings.dsn, size=2), name="postgres of models")
    writer, stored = PostgresModelWriter(pool), PostgresModels(reads)
    pruning = Periodic("old uploads of models", writer.prune, interval=PRUNE_SECONDS)
    host.background("old uploads of models", pruning.run)
    event_types = PostgresEventTypes(reads)
    vocabularies = DeclaredVocabularies(event_types, PostgresFeatures(reads), PostgresLists(pool, reads))
    choices, submitted = TrainingChoices(vocabularies, event_types, _now), RemoteTasks(tasks, KIND)
    cases = ModelUseCases(
        ModelKeeper(stored, submitted, vocabularies, _now),
        ModelVersions(stored, submitted, choices, _now),
        ModelImports(stored, ChildInspection(settings.dsn), choices, _now),
        ModelDrifts(PostgresDrift(pool), _now),
    )
    servicer = ModelServicer(cases, writer, pages)
    server.add(model_service_pb2_grpc.add_ModelServiceServicer_to_server, servicer)
    limits = TrainingLimits(settings.training_memory_mb, settings.training_cpu_minutes * 60)
    return TrainingWork(stored, writer, ChildTraining(settings.dsn, limits), _now)


async def watch_models(host: Host, settings: FraudSettings, watch: SeenWatch) -> None:
    """Keeps what the models of this process see."""
    # Its own connection: what is kept waits for nobody who asks.
    pool = await host.open(postgres.pool(settings.dsn, size=1), name="postgres of drift")
    keeper = DriftKeeper(watch, PostgresDrift(pool), _now, settings.model_drift_seconds)
    host.background("drift of models", Periodic("drift of models", keeper.keep, interval=WATCH_SECONDS).run)
    host.background("old drift of models", Periodic("old drift of models", keeper.prune, interval=PRUNE_SECONDS).run)


def _now() -> datetime:
    return datetime.now(UTC)
