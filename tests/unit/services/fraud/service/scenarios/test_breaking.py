"""The breaker sees what all processes decide, and rolls a version back once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

import pytest

from meshkit.errors import unavailable
from services.fraud.adapters.memory_breaker import MemoryBreakerCounts
from services.fraud.domain.scenarios.breaker import BreakerLimits, OutcomeCounts
from services.fraud.domain.scenarios.deployment import Deployment, DeploymentMove
from services.fraud.domain.scenarios.publication import Step
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scenarios.starter import STARTER_REF
from services.fraud.ports.scenarios import CountKey
from services.fraud.service.scenarios.breaking import KEPT_SECONDS, MOST_KEYS, Breaker, Guarded, OutcomeCounter
from services.fraud.service.scenarios.publishing import Publishing
from services.fraud.service.scenarios.tripping import BreakerTrips
from tests.support.scenarios import ScenarioBench

FIRST, SECOND = VersionRef("cards", 1), VersionRef("cards", 2)
LIMITS = BreakerLimits()


class Platform:
    """Processes that decide for one tenant, with a clock of their own."""

    def __init__(self, processes: int) -> None:
        self.bench = ScenarioBench()
        self.now = self.bench.now.timestamp() + 100
        self.rows: dict[object, dict[int, OutcomeCounts]] = {}
        self.publishing = self.bench.publishing
        trips = BreakerTrips(Publishing(self.bench.clock), self.bench.writer)
        self.counters = [OutcomeCounter(lambda: self.now) for _ in range(processes)]
        self.stores = [MemoryBreakerCounts(self.rows, uuid4()) for _ in range(processes)]  # type: ignore[arg-type]
        self.breakers = [
            Breaker(counter, store, trips, self.deployed, lambda: self.now)
            for counter, store in zip(self.counters, self.stores, strict=True)
        ]

    def deployed(self, tenant: str, event_type: str) -> Guarded | None:
        state = self.bench.rows.deployments.get((tenant, event_type))
        return Guarded(state.deployment, LIMITS) if state else None

    @property
    def deployment(self) -> Deployment:
        return self.bench.rows.deployments["t", "payment"].deployment

    async def start(self, step: Step) -> None:
        for codes in ("A", "AB"):
            await self.bench.version("t", "alice", *codes)
        await self.publishing.deploy("t", "alice", Step(FIRST, DeploymentMove.LIVE))
        await self.publishing.deploy("t", "alice", step)

    def decide(self, ref: VersionRef, decisions: int, declines: int) -> None:
        """Every process has its part of the decisions."""
        for place in range(decisions):
            counter = self.counters[place % len(self.counters)]
            counter.count(CountKey("t", "payment", ref), "decline" if place < declines else "approve")

    async def look(self) -> None:
        for breaker in self.breakers:
            await breaker.look()


LIVE, SHARE = Step(SECOND, DeploymentMove.LIVE), Step(SECOND, DeploymentMove.SHARE, 1_000)


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("step", [LIVE, SHARE])
async def test_a_version_that_declines_too_much_gives_way(
    processes: int, step: Step, caplog: pytest.LogCaptureFixture
) -> None:
    platform = Platform(processes)
    await platform.start(step)
    platform.decide(SECOND, 200, 60)
    await platform.look()
    assert platform.deployment.role(SECOND)
    platform.decide(SECOND, 30, 30)
    with caplog.at_level(logging.ERROR):
        await platform.look()
    assert (platform.deployment.live, platform.deployment.share) == (FIRST, None)
    trips = [each for _, each in platform.bench.rows.transitions if each.move is DeploymentMove.TRIP]
    assert [(each.ref, each.principal) for each in trips] == [(SECOND, "breaker")]
    assert "were decline, above the limit" in trips[0].reason
    assert len(caplog.records) == 1


async def test_a_version_with_a_share_is_compared_with_the_live_one() -> None:
    platform = Platform(2)
    await platform.start(SHARE)
    platform.decide(FIRST, 400, 12)
    platform.decide(SECOND, 200, 24)
    await platform.look()
    assert platform.deployment.share is None


async def test_a_live_version_is_compared_with_what_the_one_before_did() -> None:
    platform = Platform(1)
    await platform.start(LIVE)
    key = ("t", "payment")
    state = platform.bench.rows.deployments[key]
    calm = replace(state.deployment, usual=OutcomeCounts(200, 4, 0))
    platform.bench.rows.deployments[key] = replace(state, deployment=calm)
    platform.decide(SECOND, 200, 14)
    await platform.look()
    assert platform.deployment.live == SECOND
    platform.decide(SECOND, 10, 10)
    await platform.look()
    assert platform.deployment.live == FIRST


async def test_the_breaker_does_not_go_down_to_the_first_version() -> None:
    platform = Platform(1)
    await platform.start(LIVE)
    platform.decide(SECOND, 200, 200)
    await platform.look()
    platform.decide(FIRST, 500, 500)
    await platform.look()
    assert platform.deployment.live == FIRST
    assert platform.deployment.before == STARTER_REF


async def test_what_was_decided_before_a_version_took_its_place_is_not_held_against_it() -> None:
    platform = Platform(1)
    platform.now = platform.bench.now.timestamp()
    platform.decide(SECOND, 500, 500)
    await platform.look()
    await platform.start(LIVE)
    platform.now = platform.bench.now.timestamp() + 1
    platform.decide(SECOND, 10, 0)
    await platform.look()
    assert platform.deployment.live == SECOND


async def test_shadows_and_what_nobody_deployed_are_left_alone() -> None:
    platform = Platform(1)
    await platform.start(Step(SECOND, DeploymentMove.SHADOW))
    platform.decide(SECOND, 300, 300)
    platform.decide(VersionRef("gone", 1), 300, 300)
    platform.counters[0].count(CountKey("other", "payment", SECOND), "decline")
    await platform.look()
    assert platform.deployment.shadows == (SECOND,)


async def test_an_outage_of_the_store_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = Platform(1)
    await platform.start(LIVE)
    store, breaker, counter = platform.stores[0], platform.breakers[0], platform.counters[0]

    async def away(_: Mapping[CountKey, Mapping[int, OutcomeCounts]]) -> None:
        raise unavailable("postgres")

    monkeypatch.setattr(store, "add", away)
    for _ in range(KEPT_SECONDS + 60):
        platform.decide(SECOND, 4, 4)
        with pytest.raises(type(unavailable(""))):
            await breaker.look()
        counter.missed()
        platform.now += 1
    (seconds,) = counter.counted().values()
    assert len(seconds) <= KEPT_SECONDS + 1
    monkeypatch.undo()
    await breaker.look()
    assert platform.deployment.live == FIRST
    platform.now += 1
    await breaker.look()
    assert counter.counted() == {}


async def test_what_a_version_did_of_late_is_nothing_while_it_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = Platform(1)
    platform.decide(FIRST, 300, 3)
    await platform.look()
    assert await platform.breakers[0].usual("t", "payment", FIRST) == OutcomeCounts(300, 3, 0)

    async def away(*_: object) -> Mapping[CountKey, Mapping[int, OutcomeCounts]]:
        raise unavailable("postgres")

    monkeypatch.setattr(platform.stores[0], "read", away)
    assert await platform.breakers[0].usual("t", "payment", FIRST) == OutcomeCounts()


def test_what_is_counted_while_it_is_stored_is_stored_the_next_time() -> None:
    now = 0.0
    counter, key = OutcomeCounter(lambda: now), CountKey("t", "payment", FIRST)
    counter.count(key, "decline")
    storing = counter.counted()
    counter.count(key, "approve")
    now = 1.0
    counter.stored(storing)
    assert counter.counted() == {key: {0: OutcomeCounts(2, 1, 0)}}
    counter.stored(counter.counted())
    assert counter.counted() == {}


def test_counters_are_bounded() -> None:
    counter = OutcomeCounter(lambda: 0.0)
    for place in range(MOST_KEYS + 10):
        counter.count(CountKey(f"t{place}", "payment", FIRST), "approve")
    assert len(counter.counted()) == MOST_KEYS
    assert CountKey("t0", "payment", FIRST) not in counter.counted()
