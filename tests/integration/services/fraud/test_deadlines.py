"""A history that is not read in time, on a real PostgreSQL and a real Valkey."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest
from rampart.fraud.v1 import decision_pb2
from redis.asyncio import Redis

from meshkit.context import CallContext
from meshkit.errors import MeshError
from meshkit.rpc.coalesce import Coalescer
from meshkit.storage.postgres import Pool, connected, open_pool
from services.fraud import convert
from services.fraud.adapters.logs.postgres_history import PostgresHistory
from services.fraud.adapters.memory import MemoryRates, MemoryRiskProfiles
from services.fraud.adapters.memory_event_types import MemoryDeclarations, MemoryEventTypes
from services.fraud.adapters.memory_scenarios import MemoryScenarioRows, MemoryScenarios
from services.fraud.domain.check import Check
from services.fraud.ports import HistoryKey, KeyHistory
from services.fraud.service.deciding.decider import CheckCall, Decider, Outcome
from services.fraud.service.deciding.judging import DecisionPolicy
from services.fraud.service.deciding.ways import CheckWays
from services.fraud.service.tenants.feature_sets import StarterFeatures
from services.fraud.service.tenants.models import ModelCatalog
from services.fraud.service.tenants.rates import ExchangeRates
from services.fraud.service.verification.replaying import Replays
from tests.support.engine import eventually
from tests.support.fraud import IP, check, configured, named, new_tenant, principal
from tests.support.readers import keys_of, logs_in, reader_of, settled, store_of
from tests.support.scorers import FakeModels
from tests.support.servers import Database

LOCK = 4_711


class LockedHistory(PostgresHistory):
    """Waits for a lock in the database before it reads, as a statement does behind a migration."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool, keys_of(pool))
        self._locks = pool

    async def read(self, keys: Sequence[HistoryKey], most: int, *, apart: bool = False) -> Sequence[KeyHistory]:
        async with connected(self._locks) as connection:
            await connection.execute("SELECT pg_advisory_lock_shared($1)", LOCK)
            await connection.execute("SELECT pg_advisory_unlock_shared($1)", LOCK)
        return await super().read(keys, most, apart=apart)


class Process:
    """What decides in a process of the service, with its two ways."""

    def __init__(self, redis: Redis, pool: Pool) -> None:
        self.logs, self.store = logs_in(redis, pool), store_of(pool)
        decider = Decider(
            reader=reader_of(self.logs, LockedHistory(pool)),
            profiles=MemoryRiskProfiles(),
            rates=ExchangeRates(MemoryRates()),
            store=self.store,
            policy=DecisionPolicy(),
            states=configured,
            ip=IP,
        )
        self.ways = CheckWays(decider, self._join, in_flight=3)

    async def decide(self, *checks: Check, seconds: float) -> Sequence[Outcome]:
        deadline = time.monotonic() + seconds
        calls = [
            CheckCall(each, CallContext("r-1", principal=principal(each.tenant_id), deadline=deadline))
            for each in checks
        ]
        async with asyncio.timeout(15):
            answers = await self.ways.decide_all(calls)
        found = []
        for answer in answers:
            assert not isinstance(answer, MeshError), answer
            found.append(answer)
        return found

    @staticmethod
    def _join(decide: object) -> Coalescer[CheckCall, Outcome]:
        return Coalescer("test apart", decide, max_items=64, max_bytes=1 << 20, max_in_flight=2)  # type: ignore[arg-type]


@asynccontextmanager
async def locked(database: Database) -> AsyncIterator[None]:
    """Keeps histories from being read."""
    connection = await asyncpg.connect(database.dsn, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
        yield
    finally:
        await connection.close(timeout=5)


@pytest.fixture
async def process(redis: Redis, logged_database: Database) -> AsyncIterator[Process]:
    pool = await open_pool(logged_database.dsn)
    # Connected: on a busy machine that takes longer than a check waits for a connection.
    await asyncio.gather(*[pool.fetchval("SELECT pg_sleep(0.05)") for _ in range(3)])
    process = Process(redis, pool)
    yield process
    await settled(process.logs)
    await pool.close()


async def test_history_behind_a_lock_costs_a_check_the_features_and_not_the_answer(
    process: Process, redis: Redis, logged_database: Database
) -> None:
    tenant = new_tenant()
    before = [check(tenant, f"before-{number}") for number in range(3)]
    await process.decide(*before, seconds=10)
    await redis.flushall()
    asked = check(tenant, "t-1")
    async with locked(logged_database):
        (answer,) = await process.decide(asked, seconds=1.0)
        decision = decision_pb2.Decision.FromString(answer.answer)
        assert (list(decision.degraded), decision.outcome) == (["features"], "review")
        (again,) = await process.decide(asked, seconds=1.0)
        assert again.answer == answer.answer
    await check_replay(process, tenant, decision.decision_id)

    async def whole() -> bool:
        (later,) = await process.decide(check(tenant), seconds=10)
        assert later.decided is not None
        counted = named(later.decided.features)["user_count_1m"]
        return not later.decided.degraded and counted is not None and counted >= len(before) + 1

    await eventually(whole)


async def check_replay(process: Process, tenant: str, decision_id: str) -> None:
    """What was missing is stored as missing: the decision comes out the same, now that it could be read."""
    stored = await process.store.get(tenant, decision_id)  # type: ignore[arg-type]
    assert stored is not None
    scenarios, types = MemoryScenarios(MemoryScenarioRows()), MemoryEventTypes(MemoryDeclarations())
    replays = Replays(scenarios, types, StarterFeatures(), ModelCatalog(FakeModels()))
    assert await replays.replay(tenant, convert.recorded_from_record(stored)) == []
