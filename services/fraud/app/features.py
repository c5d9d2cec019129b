"""Composes what reads features, and what keeps the logs that they are read from true to the decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from redis.asyncio import Redis

from meshkit.host import Host
from meshkit.storage import postgres
from meshkit.storage.leader import Leader
from meshkit.storage.postgres import Pool
from services.fraud.adapters.child_restorer import ChildRestorer
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.ip_intelligence import FileIpIntelligence
from services.fraud.adapters.logs.postgres_gaps import LogFence, PostgresGaps
from services.fraud.adapters.logs.postgres_history import PostgresHistory
from services.fraud.adapters.logs.redis_logs import RedisLogs
from services.fraud.adapters.postgres_daily import PostgresDailyTotals, PostgresTotalsKeeping
from services.fraud.adapters.postgres_features import PostgresFeatureHeads
from services.fraud.adapters.postgres_retention import PostgresOldDecisions
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.app.graphing import open_graph
from services.fraud.ports import IpIntelligence
from services.fraud.service.daily.keeping import DailyKeeper
from services.fraud.service.daily.reading import DailyReader
from services.fraud.service.features.beside import BesideLogs
from services.fraud.service.features.reading import FeatureReader
from services.fraud.service.logs.completing import Completer
from services.fraud.service.logs.fold_cache import FoldCache
from services.fraud.service.logs.folds import LogFolds
from services.fraud.service.logs.keeping import LogKeeper
from services.fraud.service.logs.restoring import HistoryRestorer, RestorerBySize
from services.fraud.service.logs.unlogged import UnloggedDecisions
from services.fraud.service.tenants.configuration import Configurations
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures, FeatureSets
from services.fraud.settings import FraudSettings

__all__ = ["DecisionStores", "open_features", "open_ip"]

KEEPER_SECONDS = 30.0


class DecisionStores(NamedTuple):
    """What is kept of decisions, and the connections to it."""

    pool: Pool
    apart: Pool
    keys: EventKeys
    decisions: PostgresStore


async def open_features(
    host: Host,
    settings: FraudSettings,
    redis: Redis,
    stores: DecisionStores,
    configurations: Configurations,
    ip: IpIntelligence,
) -> FeatureReader:
    """Reads features, and keeps the logs that they are read from true to the decisions."""
    sets = ConfiguredFeatures(configurations)
    logs = RedisLogs(redis, secret=stores.keys.secret, fence=LogFence(stores.pool))
    history = PostgresHistory(stores.pool, stores.keys, apart=stores.apart)
    service = await host.open(postgres.pool(settings.dsn, size=2, seconds=KEEPER_SECONDS), name="postgres of the logs")
    relay = await host.open(postgres.pool(settings.relay_dsn, size=2), name="postgres of the gaps")
    cleaner = await host.open(postgres.pool(settings.cleaner_dsn, size=1), name="postgres of the tenants of the logs")
    kept = PostgresHistory(service, stores.keys)
    apart = ChildRestorer(settings.dsn, settings.redis_url)
    keeper = LogKeeper(
        logs=logs,
        shares=logs.shares,
        history=kept,
        restorer=RestorerBySize(HistoryRestorer(logs, kept, sets), apart, kept),
        store=stores.decisions,
        gaps=PostgresGaps(relay, service),
        tenants=PostgresOldDecisions(cleaner, settings.decision_retention_days),
        sets=sets,
        heads=PostgresFeatureHeads(relay, service),
    )
    host.background("log keeper", Leader(settings.relay_dsn, "log keeper", lambda _: keeper.keep()).run)
    completer = Completer(logs, history)
    folds = LogFolds(logs, completer, FoldCache(settings.fold_cache_mb << 20), UnloggedDecisions(history))
    daily = await _open_daily(host, settings, stores.keys, sets)
    beside = BesideLogs(daily, await open_graph(host, settings, sets))
    return FeatureReader(logs, folds, sets, ip, beside, _now)


async def _open_daily(host: Host, settings: FraudSettings, keys: EventKeys, sets: FeatureSets) -> DailyReader:
    """Reads daily totals, and keeps them."""
    # Connections of their own: what is slow here holds up no commit.
    reads = await host.open(postgres.pool(settings.dsn, size=2), name="postgres of daily totals")
    service = await host.open(postgres.pool(settings.dsn, size=1, seconds=KEEPER_SECONDS), name="postgres of totalling")
    relay = await host.open(postgres.pool(settings.relay_dsn, size=1), name="postgres of the tenants of totals")
    heads = PostgresFeatureHeads(relay, service)
    keeper = DailyKeeper(totals=PostgresTotalsKeeping(service, keys), heads=heads, sets=sets)
    host.background("daily totals", Leader(settings.relay_dsn, "daily totals", lambda _: keeper.keep()).run)
    return DailyReader(PostgresDailyTotals(reads, keys))


def _now() -> datetime:
    return datetime.now(UTC)


async def open_ip(host: Host, settings: FraudSettings) -> FileIpIntelligence:
    """Reads the operator's files about addresses, and again when they change."""
    ip = FileIpIntelligence(settings.ip_files)
    host.background("ip files", ip.run)
    host.warn("ip files", ip.check)
    return ip
