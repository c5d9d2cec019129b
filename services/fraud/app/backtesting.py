"""Composes backtests: how they are asked for, and what does them."""

from __future__ import annotations

from datetime import UTC, datetime

import grpc
from rampart.fraud.v1 import backtest_service_pb2, backtest_service_pb2_grpc

from meshkit.host import Host
from meshkit.named_requests import IdempotentChanges
from meshkit.pages import Pages
from meshkit.periodic import Periodic
from meshkit.rpc.server import MeshServer
from meshkit.storage import postgres
from meshkit.storage.reads import Reads
from meshkit.tasks import RemoteTasks
from services.fraud.adapters.child_backtests import ChildBacktests
from services.fraud.adapters.postgres_backtests import PostgresBacktests, PostgresBacktestWriter
from services.fraud.adapters.postgres_event_types import PostgresEventTypes
from services.fraud.adapters.postgres_features import PostgresFeatures
from services.fraud.adapters.postgres_lists import PostgresLists
from services.fraud.adapters.postgres_models import PostgresModels
from services.fraud.adapters.postgres_scenarios import PostgresScenarios
from services.fraud.expressions.rules import CelRules
from services.fraud.service.backtests.keeping import BacktestService
from services.fraud.service.backtests.tasks import KIND, BacktestWork
from services.fraud.service.scenarios.drafts import ScenarioService
from services.fraud.service.scenarios.rule_checks import RuleChecks
from services.fraud.service.scenarios.vocabularies import DeclaredVocabularies
from services.fraud.servicer import BacktestServicer
from services.fraud.settings import FraudSettings

__all__ = ["BACKTEST_SERVICE", "serve_backtests"]

BACKTEST_SERVICE = backtest_service_pb2.DESCRIPTOR.services_by_name["BacktestService"]
PRUNE_SECONDS = 3_600.0


async def serve_backtests(
    host: Host, settings: FraudSettings, server: MeshServer, reads: Reads, pages: Pages, tasks: grpc.aio.Channel
) -> BacktestWork:
    """Adds `BACKTEST_SERVICE`. Returns what does the tasks of backtests."""
    pool = await host.open(postgres.pool(settings.dsn, size=2), name="postgres of backtests")
    writer, stored = PostgresBacktestWriter(pool), PostgresBacktests(reads)
    host.background("old backtests", Periodic("old backtests", writer.prune, interval=PRUNE_SECONDS).run)
    declared = PostgresEventTypes(reads), PostgresFeatures(reads), PostgresLists(pool, reads)
    checks = RuleChecks(CelRules(), DeclaredVocabularies(*declared), PostgresModels(reads))
    scenarios = ScenarioService(PostgresScenarios(reads), checks, _now)
    service = BacktestService(stored, RemoteTasks(tasks, KIND), scenarios, checks, _now)
    servicer = BacktestServicer(service, IdempotentChanges(writer), pages=pages)
    server.add(backtest_service_pb2_grpc.add_BacktestServiceServicer_to_server, servicer)
    return BacktestWork(stored, ChildBacktests(settings.dsn), scenarios.version, settings.review_without)


def _now() -> datetime:
    return datetime.now(UTC)
