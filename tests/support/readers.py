"""Readers of features on given logs and a given store, as a process of the fraud service has them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from redis.asyncio import Redis

from meshkit.storage.postgres import Pool
from services.fraud.adapters.event_keys import EventKeys
from services.fraud.adapters.graph.memory_graph import MemoryGraph
from services.fraud.adapters.logs.postgres_gaps import LogFence
from services.fraud.adapters.logs.redis_logs import RedisLogs
from services.fraud.adapters.memory_daily import MemoryDailyTotals
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.ports import DailyTotals, EntityLogs, History, IpIntelligence
from services.fraud.ports.graph import GraphReads
from services.fraud.service.checks.waits import Waits
from services.fraud.service.daily.reading import DailyReader
from services.fraud.service.features.beside import BesideLogs
from services.fraud.service.features.reading import FeatureReader
from services.fraud.service.features.readings import Manner
from services.fraud.service.graph.reading import GraphReader
from services.fraud.service.logs.completing import Completer
from services.fraud.service.logs.fold_cache import FoldCache
from services.fraud.service.logs.folds import LogFolds
from services.fraud.service.logs.unlogged import UnloggedDecisions
from services.fraud.service.tenants.feature_sets import FeatureSets, StarterFeatures
from tests.support.fraud import IP

__all__ = ["keys_of", "logs_in", "patiently", "reader_of", "settled", "store_of"]


def reader_of(
    logs: EntityLogs,
    history: History,
    sets: FeatureSets = StarterFeatures(),
    *,
    ip: IpIntelligence = IP,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    cache_bytes: int = 64 << 20,
    daily: DailyTotals | None = None,
    graph: GraphReads | None = None,
) -> FeatureReader:
    """Returns a reader with folds of its own. Without daily totals there are none."""
    folds = LogFolds(logs, Completer(logs, history), FoldCache(cache_bytes), UnloggedDecisions(history))
    beside = BesideLogs(DailyReader(daily or MemoryDailyTotals()), GraphReader(graph or MemoryGraph()))
    return FeatureReader(logs, folds, sets, ip, beside, clock)


def patiently(*, as_of_first: bool = False) -> Manner:
    """How checks are read that have all the time that there is."""
    return Manner(Waits({}), patient=True, as_of_first=as_of_first)


def keys_of(pool: Pool) -> EventKeys:
    return EventKeys(pool)


def store_of(pool: Pool, on_commit: Callable[[], None] = lambda: None) -> PostgresStore:
    return PostgresStore(pool, keys_of(pool), on_commit)


def logs_in(redis: Redis, pool: Pool | None = None) -> RedisLogs:
    """Returns the logs as one process has them. Without a store no generation of them is told to any."""
    if pool is None:
        return RedisLogs(redis, secret=_no_secret, fence=_no_fence)
    return RedisLogs(redis, secret=keys_of(pool).secret, fence=LogFence(pool))


async def settled(logs: EntityLogs) -> None:
    """Waits until what was settled is so in Redis."""
    if isinstance(logs, RedisLogs):
        async with asyncio.timeout(10):
            if logs._settling._task is not None:
                await logs._settling._task
            if logs._sealing._task is not None:
                await logs._sealing._task


async def _no_secret() -> bytes:
    return b"no secret"


async def _no_fence(generation: bytes) -> None:
    return
