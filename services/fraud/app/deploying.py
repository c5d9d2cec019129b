"""Composes scenarios: how they are written, what lets them decide, and the breaker that stops them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

from rampart.fraud.v1 import scenario_service_pb2, scenario_service_pb2_grpc

from meshkit.host import Host
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc.server import MeshServer
from meshkit.storage import postgres
from meshkit.storage.reads import Reads
from services.fraud.adapters.postgres_breaker import PostgresBreakerCounts
from services.fraud.adapters.postgres_event_types import PostgresEventTypes
from services.fraud.adapters.postgres_features import PostgresFeatures
from services.fraud.adapters.postgres_lists import PostgresLists
from services.fraud.adapters.postgres_models import PostgresModels
from services.fraud.adapters.postgres_scenario_changes import PostgresScenarioWriter
from services.fraud.adapters.postgres_scenarios import PostgresScenarios
from services.fraud.adapters.postgres_shadows import PostgresShadowReports
from services.fraud.domain.check import Decided
from services.fraud.expressions.patterns import compile_pattern
from services.fraud.expressions.rules import CelRules
from services.fraud.service.scenarios.breaking import Breaker, OutcomeCounter, count_outcome
from services.fraud.service.scenarios.deployments import Deployments
from services.fraud.service.scenarios.drafts import ScenarioService
from services.fraud.service.scenarios.publishing import Publishing
from services.fraud.service.scenarios.rule_checks import RuleChecks
from services.fraud.service.scenarios.shadowing import ShadowRuns
from services.fraud.service.scenarios.snoozing import Snoozing
from services.fraud.service.scenarios.tripping import BreakerTrips
from services.fraud.service.scenarios.vocabularies import DeclaredVocabularies
from services.fraud.service.tenants.configuration import Configurations
from services.fraud.service.tenants.feature_sets import DeclaredSets
from services.fraud.service.tenants.models import ModelCatalog
from services.fraud.service.verification.replaying import Replays
from services.fraud.servicer import (
    DeploymentCalls,
    ScenarioCalls,
    ScenarioEdits,
    ScenarioServicer,
    ShadowCalls,
    SnoozeCalls,
)
from services.fraud.settings import FraudSettings

__all__ = ["SCENARIO_SERVICE", "DecisionCounts", "open_counts", "replays_of", "serve_scenarios"]

SCENARIO_SERVICE = scenario_service_pb2.DESCRIPTOR.services_by_name["ScenarioService"]
WRITES_POOL_SIZE = 4
PRUNE_SECONDS = 3_600.0


class DecisionCounts(NamedTuple):
    """What is counted of committed decisions."""

    outcomes: OutcomeCounter
    shadows: ShadowRuns
    reports: PostgresShadowReports

    def committed(self, made: Decided) -> None:
        count_outcome(self.outcomes, made)
        self.shadows.add(made)


async def open_counts(host: Host, settings: FraudSettings) -> DecisionCounts:
    """Counts what versions decide, and what those in the shadow would have."""
    pool = await host.open(postgres.pool(settings.dsn, size=3), name="postgres of shadows")
    reports = PostgresShadowReports(pool)
    shadows = ShadowRuns(reports)
    host.closing(shadows.close)
    host.background("shadows", shadows.run)
    host.background("shadow reports", shadows.keep)
    host.background("old shadow reports", Periodic("old shadow reports", reports.prune, interval=PRUNE_SECONDS).run)
    return DecisionCounts(OutcomeCounter(), shadows, reports)


async def serve_scenarios(
    host: Host,
    settings: FraudSettings,
    server: MeshServer,
    reads: Reads,
    pages: Pages,
    configurations: Configurations,
    counts: DecisionCounts,
) -> None:
    """Adds `SCENARIO_SERVICE`."""
    pool = await host.open(postgres.pool(settings.dsn, size=WRITES_POOL_SIZE), name="postgres of scenarios")
    # Its own connections: those who change something ask what versions decided while they hold one of the others.
    watching = await host.open(postgres.pool(settings.dsn, size=2), name="postgres of the breaker")
    scenarios, writer = PostgresScenarios(reads), PostgresScenarioWriter(pool)
    added_up = PostgresBreakerCounts(watching, uuid4())
    breaker = Breaker(counts.outcomes, added_up, BreakerTrips(Publishing(_now), writer), configurations.guarded)
    host.background("breaker", breaker.run)
    declared = PostgresEventTypes(reads), PostgresFeatures(reads), PostgresLists(pool, reads)
    vocabularies = DeclaredVocabularies(*declared)
    checks = RuleChecks(CelRules(), vocabularies, PostgresModels(reads))
    edits, deployed = ScenarioEdits(IdempotentChanges(writer)), Deployments(scenarios, breaker.usual)
    service = ScenarioService(scenarios, checks, _now)
    servicer = ScenarioServicer(
        ScenarioCalls(edits, service, checks, deployed, pages),
        DeploymentCalls(edits, Publishing(_now, breaker.usual, checks.faults), deployed, pages),
        SnoozeCalls(edits, Snoozing(scenarios, vocabularies, _now), pages, _now),
        ShadowCalls(service, counts.reports),
    )
    server.add(scenario_service_pb2_grpc.add_ScenarioServiceServicer_to_server, servicer)


def replays_of(reads: Reads, models: ModelCatalog) -> Replays:
    """Computes decisions again, by the versions that are stored."""
    event_types = PostgresEventTypes(reads)
    features = DeclaredSets(PostgresFeatures(reads), event_types)
    return Replays(PostgresScenarios(reads), event_types, features, models, compile_pattern)


def _now() -> datetime:
    return datetime.now(UTC)
