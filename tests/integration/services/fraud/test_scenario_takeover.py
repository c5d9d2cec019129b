"""A change of what is deployed reaches every process, and the breaker of any of them stops a version for all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from rampart.fraud.v1 import event_pb2

from meshkit.storage.notifications import Notifications
from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.engine_revisions import CHANNEL
from services.fraud.adapters.postgres_breaker import PostgresBreakerCounts
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_scenario_changes import PostgresScenarioWriter
from services.fraud.domain.scenarios.deployment import DeploymentMove
from services.fraud.domain.scenarios.publication import Actor, Step
from services.fraud.domain.scenarios.scenario import ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.snoozes import Snooze
from services.fraud.domain.scenarios.starter import STARTER, STARTER_REF, starter_trees
from services.fraud.ports.scenarios import CountKey
from services.fraud.service.scenarios.breaking import Breaker, OutcomeCounter
from services.fraud.service.scenarios.publishing import Publishing
from services.fraud.service.scenarios.tripping import BreakerTrips
from services.fraud.service.tenants.configuration import Configurations
from tests.support.servers import Database

NEVER = 3_600.0
NOW = datetime.now(UTC)
VERSION = ScenarioVersion(
    scenario_id="cards",
    number=1,
    content=replace(STARTER, decline_at=0.9),
    note="",
    authors=frozenset({"alice"}),
    trees=starter_trees(),
    created_at=NOW,
)


@dataclass
class Process:
    """What one process of the service keeps of tenants, and counts."""

    configurations: Configurations
    counter: OutcomeCounter

    async def live(self, tenant: str) -> VersionRef | None:
        decides = (await self.configurations.of(tenant)).scenarios.deciding(tenant, "payment", "u1").version
        return decides.ref if decides else None

    async def until_live(self, tenant: str, ref: VersionRef) -> float:
        """Returns how long it took until a version decided."""
        started = time.monotonic()
        async with asyncio.timeout(20):
            while await self.live(tenant) != ref:
                await asyncio.sleep(0.01)
        return time.monotonic() - started


@asynccontextmanager
async def process(dsn: str, pool: Pool, *, poll: float, listening: bool) -> AsyncIterator[Process]:
    configurations, counter = Configurations(PostgresDeclarations(pool), poll=poll), OutcomeCounter()
    listener = Notifications(dsn, CHANNEL, tell=configurations.changed, tell_all=configurations.everything_changed)
    trips = BreakerTrips(Publishing(lambda: datetime.now(UTC)), PostgresScenarioWriter(pool))
    breaker = Breaker(counter, PostgresBreakerCounts(pool, uuid4()), trips, configurations.guarded)
    running = [asyncio.create_task(configurations.run()), asyncio.create_task(breaker.run())]
    if listening:
        running.append(asyncio.create_task(listener.run()))
    try:
        yield Process(configurations, counter)
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)


async def go_live(pool: Pool, tenant: str) -> None:
    async with PostgresScenarioWriter(pool).begin(tenant) as changes:
        await changes.add_version(VERSION)
        step = Step(VERSION.ref, DeploymentMove.LIVE)
        await Publishing(lambda: datetime.now(UTC)).deploy(changes, Actor(tenant, "bob"), step)


@pytest.mark.parametrize(("poll", "listening"), [(NEVER, True), (1.0, False)], ids=["told", "found"])
async def test_a_version_that_declines_too_much_is_stopped_for_all_processes(
    fraud_database: Database, pool: Pool, tenant: str, poll: float, listening: bool
) -> None:
    """Neither process alone has seen enough: what both counted is added up."""
    async with (
        process(fraud_database.dsn, pool, poll=poll, listening=listening) as first,
        process(fraud_database.dsn, pool, poll=poll, listening=listening) as second,
    ):
        for each in (first, second):
            assert await each.live(tenant) == STARTER_REF
        await go_live(pool, tenant)
        await asyncio.gather(*(each.until_live(tenant, VERSION.ref) for each in (first, second)))
        for place in range(60):
            counter = (first, second)[place % 2].counter
            counter.count(CountKey(tenant, "payment", VERSION.ref), "decline")
        took = await asyncio.gather(*(each.until_live(tenant, STARTER_REF) for each in (first, second)))
        print(f"taken over after {max(took):.2f} s")
        configuration = await first.configurations.of(tenant)
        assert configuration.scenarios.guarded("payment").deployment.tripped
        async with transaction(pool, [tenant]) as connection:
            (told,) = await connection.fetch("SELECT payload FROM outbox WHERE tenant_id = $1", tenant)
        asked = event_pb2.DecisionEvent.FromString(told["payload"])
        assert (asked.event_type, asked.alert.cause, asked.alert.subject) == (
            "alert.asked", "breaker", VERSION.ref.scenario_id,
        )  # fmt: skip


async def test_snoozes_and_shadows_are_at_hand(fraud_database: Database, pool: Pool, tenant: str) -> None:
    async with process(fraud_database.dsn, pool, poll=0.1, listening=False) as one:
        assert not (await one.configurations.of(tenant)).scenarios.snoozes
        async with PostgresScenarioWriter(pool).begin(tenant) as changes:
            await changes.add_version(VERSION)
            step = Step(VERSION.ref, DeploymentMove.SHADOW)
            await Publishing(lambda: NOW).deploy(changes, Actor(tenant, "bob"), step)
            until = datetime.now(UTC) + timedelta(hours=1)
            asleep = Snooze(rule_id="new-device", field="user_id", value="u1", until=until, created_at=NOW)
            assert await changes.snooze(asleep, 10)
        async with asyncio.timeout(20):
            while not (scenarios := (await one.configurations.of(tenant)).scenarios).snoozes:
                await asyncio.sleep(0.01)
        deciding = scenarios.deciding(tenant, "payment", "u1")
        assert [each.ref for each in deciding.shadows] == [VERSION.ref]
        assert deciding.version is not None and deciding.version.ref == STARTER_REF
        assert scenarios.deciding(tenant, "login", "u1").version is None
