"""Features of the graph in decisions: read beside the logs, kept with their age, and missing rather than waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta

from rampart.fraud.v1 import decision_pb2

from meshkit.errors import unavailable
from services.fraud import convert
from services.fraud.adapters.graph.memory_graph import MemoryGraph
from services.fraud.domain.declared.declaration import DerivedFeature
from services.fraud.domain.declared.graph import GraphFeature
from services.fraud.domain.declared.vector import rejoined, split
from services.fraud.domain.graph.components import MOST_MEMBERS
from services.fraud.domain.graph.entities import HUB_DEGREE
from services.fraud.domain.graph.measures import GraphMeasure
from services.fraud.domain.outbox import Place, PlaceProof
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.domain.verification.union import ComparedSet
from services.fraud.ports.graph import EntityRef, ReadEntities
from services.fraud.service.checks.calls import Outcome
from services.fraud.service.graph.reading import GraphReader
from tests.support.deciding import STARTED, DecidingBench, ruled, version_of
from tests.support.fraud import new_tenant
from tests.support.graph import enter, payment

TENANT = new_tenant()
SHARED = "192.0.2.1"
SIZE = GraphFeature(name="size", event_type="payment", key="user_id", measure=GraphMeasure.COMPONENT_SIZE)
DEGREE = GraphFeature(name="ip_users", event_type="payment", key="ip_address", measure=GraphMeasure.DEGREE)
NEAR = GraphFeature(name="near", event_type="payment", key="ip_address", measure=GraphMeasure.FRAUD_WITHIN_TWO_HOPS)
TWICE_OF_COUNT = DerivedFeature(name="twice_count", event_type="payment", expression="double(user_count_1h) * 2.0")
TWICE = DerivedFeature(name="twice", event_type="payment", expression="double(size) * 2.0")


async def bench(*features: GraphFeature | DerivedFeature, age: timedelta = timedelta(seconds=2)) -> DecidingBench:
    """A bench whose graph has u1 with two devices, and was followed up to so long before now."""
    found = DecidingBench(features=features)
    await enter(found.graph, TENANT, payment("u1", device_fingerprint="d1"), payment("u1", device_fingerprint="d2"))
    async with found.graph.begin([]) as changes:
        await changes.move(Place(1, 1), PlaceProof(), found.now + found.step - age)
    return found


def degraded(answers: Sequence[Outcome]) -> Sequence[tuple[str, ...] | None]:
    return [each.decided and each.decided.degraded for each in answers]


def inputs(found: DecidingBench) -> decision_pb2.DecisionInputs:
    """Returns what was stored with the newest decision."""
    _, record = found.store.decided(TENANT)[-1]
    layout = found.state.configuration.features.set.layout
    return convert.stored_to_proto(record.answer, record.inputs, layout).inputs


async def test_values_are_read_and_stored_with_their_age() -> None:
    found = await bench(SIZE, DEGREE)
    assert degraded(await found.decide(TENANT, {})) == [()]
    stored = inputs(found)
    assert (stored.features["size"], stored.features["ip_users"]) == (3, 0), "nobody has that address in the graph"
    assert stored.graph.age_ms == 2_000


async def test_rules_and_derived_features_read_them() -> None:
    found = await bench(SIZE, TWICE)
    rules = [ruled("LARGE", "size >= 3", outcome="decline"), ruled("TWICE", "twice > 5.0")]
    version = version_of(1, *rules, features=[SIZE], derived=["twice"])
    found.deploy(Deployment(live=version.ref), [version])
    (answer,) = await found.decide(TENANT, {})
    assert answer.decided is not None
    assert [factor.code for factor in answer.decided.verdict.factors] == ["LARGE", "TWICE"]


async def test_a_graph_that_is_slow_is_not_waited_for() -> None:
    found = await bench(SIZE)
    found.beside.graph = GraphReader(SlowGraph(), clock=lambda: found.now)
    assert degraded(await found.decide(TENANT, {})) == [("graph",)]
    assert "size" not in inputs(found).features


async def test_what_came_too_late_is_at_hand_for_the_next_and_says_how_old_it_is() -> None:
    found = await bench(SIZE)
    found.beside.graph = GraphReader(LateGraph(found.graph), clock=lambda: found.now)
    assert degraded(await found.decide(TENANT, {})) == [("graph",)]
    await asyncio.sleep(0.05)
    assert degraded(await found.decide(TENANT, {})) == [()]
    assert (inputs(found).features["size"], inputs(found).graph.age_ms) == (3, 3_000)


async def test_a_graph_that_fails_is_not_asked_again_at_once() -> None:
    found, broken = await bench(SIZE), BrokenGraph()
    found.beside.graph = GraphReader(broken, wait_seconds=1.0, clock=lambda: found.now)
    assert degraded(await found.decide(TENANT, {}, {})) == [("graph",)] * 2
    assert broken.asked == 1


async def test_what_is_more_than_an_hour_old_is_not_used() -> None:
    found = await bench(SIZE, age=timedelta(minutes=61))
    assert degraded(await found.decide(TENANT, {})) == [("graph",)]


async def test_a_graph_that_is_not_whole_has_no_values_and_is_no_fault() -> None:
    found = await bench(SIZE)
    found.linked = False
    found.deploy(found.deployment)
    assert degraded(await found.decide(TENANT, {})) == [()]
    assert "size" not in inputs(found).features


async def test_a_tenant_without_features_of_it_does_not_ask_the_graph() -> None:
    found, broken = await bench(), BrokenGraph()
    found.beside.graph = GraphReader(broken, clock=lambda: found.now)
    await found.decide(TENANT, {})
    assert broken.asked == 0


async def test_a_hub_and_a_full_component_say_that_there_may_be_more() -> None:
    found = await bench(SIZE, DEGREE, NEAR)
    await enter(found.graph, TENANT, *(payment(f"v{each}", ip_address=SHARED) for each in range(HUB_DEGREE + 1)))
    graph = found.graph.graphs[TENANT]
    (user,) = (each for each in graph.entities.values() if each.name.value == "u1")
    graph.sizes[user.component] = graph.sizes[user.component]._replace(size=MOST_MEMBERS)
    graph.full.add(user.component)
    await found.decide(TENANT, {})
    stored = inputs(found)
    assert list(stored.graph.partial) == ["size", "near"]
    assert stored.features["ip_users"] == HUB_DEGREE + 1


async def test_values_of_the_graph_and_what_hangs_on_them_are_not_verified() -> None:
    known = (await bench(SIZE, TWICE)).of("").set
    assert known.of_graph == {"size", "twice"}
    assert ComparedSet(known).names == set(known.names) - known.of_graph


async def test_a_set_with_features_of_the_graph_has_them_between_logs_and_derived_ones() -> None:
    known = (await bench(TWICE_OF_COUNT, SIZE)).of("").set
    assert known.names[-2:] == ("size", "twice_count")
    values = [None] * (len(known.names) - 2) + [3, 8.0]
    assert rejoined(known.layout, *split(known.layout, values)) == values


class SlowGraph(MemoryGraph):
    """Answers too late."""

    async def entities(self, refs: Collection[EntityRef]) -> ReadEntities:
        await asyncio.sleep(0.1)
        return ReadEntities({}, STARTED)


class LateGraph(MemoryGraph):
    """Answers what another does, a moment too late."""

    def __init__(self, of: MemoryGraph) -> None:
        super().__init__()
        self._of = of

    async def entities(self, refs: Collection[EntityRef]) -> ReadEntities:
        await asyncio.sleep(0.02)
        return await self._of.entities(refs)


class BrokenGraph(MemoryGraph):
    """Does not answer."""

    asked = 0

    async def entities(self, refs: Collection[EntityRef]) -> ReadEntities:
        self.asked += 1
        raise unavailable("postgres")
