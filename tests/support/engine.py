"""Processes of the fraud service, as far as they decide: on a real PostgreSQL and a real Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from redis.asyncio import Redis

from meshkit.apart import TravelsApart
from meshkit.context import CallContext
from meshkit.errors import MeshError
from meshkit.storage.postgres import Pool, open_pool
from services.fraud.adapters.logs.postgres_gaps import PostgresGaps
from services.fraud.adapters.logs.postgres_history import PostgresHistory
from services.fraud.adapters.memory import MemoryRates, MemoryRiskProfiles
from services.fraud.adapters.postgres_features import PostgresFeatureHeads
from services.fraud.adapters.postgres_retention import PostgresOldDecisions
from services.fraud.domain.check import Check, Features
from services.fraud.ports import IpIntelligence
from services.fraud.ports.restoring import LogRestorer
from services.fraud.service.deciding.decider import CheckCall, Decider, Outcome
from services.fraud.service.deciding.judging import DecisionPolicy
from services.fraud.service.logs.keeping import LogKeeper
from services.fraud.service.logs.restoring import HistoryRestorer
from services.fraud.service.tenants.configuration import Configurations
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures, FeatureSets, StarterFeatures
from services.fraud.service.tenants.rates import ExchangeRates
from services.fraud.service.tenants.states import TenantState
from tests.support.fraud import IP, configured, principal
from tests.support.readers import keys_of, logs_in, reader_of, settled, store_of
from tests.support.servers import Database

__all__ = ["Engine", "engines", "eventually", "keeping"]


class Engine:
    """One process: it decides and stores, and remembers what of its logs it has seen."""

    def __init__(
        self,
        redis: Redis,
        pool: Pool,
        *,
        cache_bytes: int = 64 << 20,
        configurations: Configurations | None = None,
        stale_seconds: float = 10.0,
        ip: IpIntelligence = IP,
    ) -> None:
        """Without configurations every tenant has declared nothing."""
        self.redis = redis
        self.pool = pool
        self.sets: FeatureSets = StarterFeatures()
        if configurations is not None:
            self.sets = ConfiguredFeatures(configurations, stale_seconds)
        self._configurations = configurations
        self.logs = logs_in(redis, pool)
        self.store = store_of(pool)
        self.history = PostgresHistory(pool, keys_of(pool))
        self.reader = reader_of(self.logs, self.history, self.sets, ip=ip, cache_bytes=cache_bytes)
        self.decider = Decider(
            reader=self.reader,
            profiles=MemoryRiskProfiles(),
            rates=ExchangeRates(MemoryRates()),
            store=self.store,
            policy=DecisionPolicy(frozenset()),
            states=configured if configurations is None else self._state,
            ip=ip,
        )

    async def _state(self, tenant_id: str, seconds: float = 0.0) -> TenantState:
        assert self._configurations is not None, "the state is asked for where there are configurations"
        return TenantState(await self._configurations.of(tenant_id))

    async def decide(self, *checks: Check) -> Sequence[Outcome | MeshError]:
        """Decides as the service does: what would hold up the others comes again apart."""
        calls = [
            CheckCall(each, CallContext("r-1", principal=principal(each.tenant_id, "fraud:backfill")))
            for each in checks
        ]
        answers = list(await self.decider.decide_prompt(calls))
        late = [place for place, answer in enumerate(answers) if isinstance(answer, TravelsApart)]
        for place, answer in zip(late, await self.decider.decide([calls[place] for place in late]), strict=True):
            answers[place] = answer
        return answers

    async def see(self, *checks: Check) -> Sequence[Features]:
        """Decides about new transactions, and returns what each saw."""
        found = []
        for answer in await self.decide(*checks):
            assert isinstance(answer, Outcome) and answer.decided is not None, answer
            found.append(answer.decided.features)
        return found

    async def whole(self, tenant: str) -> bool:
        """Tells whether every log of a tenant that is not there was never written."""
        await self.logs.proof()
        await self.sets.prepare([tenant])
        return all((await self.logs.whole(self.sets.of(tenant).streams(tenant))).values())


@asynccontextmanager
async def engines(database: Database, *clients: Redis, cache_bytes: int = 64 << 20) -> AsyncIterator[Sequence[Engine]]:
    """Runs a process for each client of Redis, each with connections of its own."""
    pools = [await open_pool(database.dsn) for _ in clients]
    # Connected: on a busy machine that takes longer than a check waits for a connection.
    await asyncio.gather(*[pool.fetchval("SELECT pg_sleep(0.05)") for pool in pools for _ in range(3)])
    made = [Engine(redis, pool, cache_bytes=cache_bytes) for redis, pool in zip(clients, pools, strict=True)]
    try:
        yield made
    finally:
        for engine in made:
            await settled(engine.logs)
            restorer = engine.reader._folds._slow._completer._restorer
            if restorer is not None:
                await restorer
            await engine.pool.close()


@asynccontextmanager
async def keeping(
    engine: Engine,
    database: Database,
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    settled_seconds: float = 0.0,
    restorer: LogRestorer | None = None,
) -> AsyncIterator[LogKeeper]:
    """Runs a keeper of the logs beside an engine."""
    relay = await open_pool(database.relay_dsn, size=2)
    service = await open_pool(database.dsn, size=2)
    cleaner = await open_pool(database.server.dsn(database.name, "rampart_fraud_cleaner"), size=1)
    logs, history = logs_in(engine.redis, service), PostgresHistory(service, keys_of(service))
    keeper = LogKeeper(
        logs=logs,
        shares=logs.shares,
        history=history,
        restorer=restorer or HistoryRestorer(logs, history, engine.sets),
        store=engine.store,
        gaps=PostgresGaps(relay, service),
        tenants=PostgresOldDecisions(cleaner, 400),
        sets=engine.sets,
        heads=PostgresFeatureHeads(relay, service, settled_seconds),
        clock=clock,
    )
    task = asyncio.create_task(keeper.keep())
    try:
        yield keeper
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        for pool in (relay, service, cleaner):
            await pool.close()


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)


def _context(tenant_id: str) -> CallContext:
    return CallContext("r-1", principal=principal(tenant_id, "fraud:backfill"))
