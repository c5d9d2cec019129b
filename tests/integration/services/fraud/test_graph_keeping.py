"""What a graph is kept from: the outbox exactly once, the store before that, and labels."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from meshkit.errors import unavailable
from meshkit.storage.postgres import Pool
from meshkit.storage.postgres import pool as pool_of
from services.fraud.adapters.graph.postgres_events import PostgresGraphEvents
from services.fraud.adapters.postgres_declarations import PostgresDeclarations
from services.fraud.adapters.postgres_features import PostgresFeatureHeads, PostgresFeatureWriter
from services.fraud.adapters.postgres_labels import PostgresLabelWriter
from services.fraud.domain.check import Check
from services.fraud.domain.declared.graph import GraphFeature
from services.fraud.domain.graph.batch import GraphEvent
from services.fraud.domain.graph.entities import EntityName, EntitySummary
from services.fraud.domain.graph.measures import GraphMeasure
from services.fraud.ports.graph import GraphChanges, GraphReads, GraphStore
from services.fraud.service.graph.keeping import GraphKeeper
from services.fraud.service.labels.keeping import LabelService
from services.fraud.service.tenants.configuration import Configurations
from services.fraud.service.tenants.feature_sets import ConfiguredFeatures
from tests.support.features import declare
from tests.support.fraud import check, decided, new_tenant
from tests.support.graph import read
from tests.support.graph_stores import graph_in
from tests.support.labels import said
from tests.support.readers import store_of
from tests.support.servers import Database

SIZE = GraphFeature(name="size", event_type="payment", key="user_id", measure=GraphMeasure.COMPONENT_SIZE)
U1, U2 = EntityName("user_id", "u1"), EntityName("user_id", "u2")
KEPT = timedelta(days=30)
ALONE = {"device": "", "ip": "", "merchant": ""}


@dataclass
class Kept:
    """A store of decisions, and keepers of graphs beside it."""

    pool: Pool
    relay: Pool
    store: GraphStore
    reads: GraphReads

    def keeper(self, *, ahead: float = 0.0, settled: float = 0.0, rows: int = 100) -> GraphKeeper:
        """Returns the keeper of another process."""
        sets = ConfiguredFeatures(Configurations(PostgresDeclarations(self.pool)), stale_seconds=0.0)
        return GraphKeeper(
            store=self.store,
            events=PostgresGraphEvents(self.relay, self.pool, rows=rows),
            heads=PostgresFeatureHeads(self.relay, self.pool),
            sets=sets,
            kept=KEPT,
            ahead_seconds=ahead,
            settled_seconds=settled,
            look_seconds=0.0,
        )

    async def declare(self, *features: GraphFeature, without: tuple[str, ...] = ()) -> None:
        await declare(PostgresFeatureWriter(self.pool), self.tenant, *features, without=without)

    async def decide(self, *checks: Check) -> None:
        assert not (await store_of(self.pool).commit([decided(each) for each in checks])).earlier

    async def label(self, transaction_id: str, kind: str = "fraud", *, ahead: timedelta = timedelta()) -> None:
        """Stores a label, by a clock that is so much ahead."""
        async with PostgresLabelWriter(self.pool).begin(self.tenant) as changes:
            service = LabelService(None, lambda: datetime.now(UTC) + ahead)  # type: ignore[arg-type] # Nothing is read.
            await service.store(changes, "analyst", [said(transaction_id, kind)])

    async def summary(self, name: EntityName = U1) -> EntitySummary | None:
        (found,) = await read(self.reads, self.tenant, name)
        return found

    async def is_linked(self) -> bool:
        """Tells whether processes take the graph for whole."""
        return (await PostgresDeclarations(self.pool).read(self.tenant)).features.linked

    @property
    def tenant(self) -> str:
        return self._tenant

    def __post_init__(self) -> None:
        self._tenant = new_tenant()

    def payment(self, user: str = "u1", device: str = "d1", transaction_id: str = "", **more: Any) -> Check:
        return check(self.tenant, transaction_id, user_id=user, **{**ALONE, "device": device, **more})


class FailingFor:
    """A store that cannot be used for the graph of one tenant."""

    def __init__(self, store: GraphStore, tenant: str) -> None:
        self._store = store
        self._tenant = tenant

    def begin(self, tenants: Collection[str]) -> AbstractAsyncContextManager[GraphChanges]:
        if self._tenant in tenants:
            raise unavailable("postgres")
        return self._store.begin(tenants)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.fixture(params=["postgres", "neo4j"])
async def kept(request: pytest.FixtureRequest, lone_database: Database) -> AsyncIterator[Kept]:
    async with (
        graph_in(request.param, lone_database) as graph,
        pool_of(lone_database.dsn) as pool,
        pool_of(lone_database.relay_dsn) as relay,
    ):
        yield Kept(pool, relay, graph.store, graph.reads)


async def rounds(keeper: GraphKeeper, count: int = 4) -> None:
    for _ in range(count):
        await keeper.round()


async def test_what_is_decided_is_in_the_graph_exactly_once(kept: Kept) -> None:
    await kept.declare(SIZE)
    one, other = kept.keeper(rows=2), kept.keeper(rows=2)
    await rounds(one)
    await kept.decide(*(kept.payment() for _ in range(3)), kept.payment("u2"))
    for _ in range(4):
        await one.round()
        await other.round()
    user = await kept.summary()
    assert user is not None and (user.degree, user.sizes.size) == (1, 3)
    (edge,) = await kept.reads.edges(kept.tenant, [user.number], 10)
    assert edge.events == 3


async def test_what_was_decided_before_is_filled_in(kept: Kept) -> None:
    await kept.decide(kept.payment(), kept.payment("u2"))
    await kept.declare(SIZE)
    keeper = kept.keeper(ahead=1.5)
    await rounds(keeper, 2)
    assert await kept.summary() is None, "it is not whole"
    await kept.decide(kept.payment())
    while (user := await kept.summary()) is None:
        await keeper.round()
        await asyncio.sleep(0.05)
    await kept.decide(kept.payment())
    await rounds(keeper)
    user = await kept.summary()
    assert user is not None and user.sizes.size == 3
    (edge,) = await kept.reads.edges(kept.tenant, [user.number], 10)
    assert edge.events == 3


async def test_a_label_counts_as_known_fraud_and_can_be_corrected(kept: Kept) -> None:
    await kept.declare(SIZE)
    keeper = kept.keeper()
    await rounds(keeper)
    await kept.decide(kept.payment(transaction_id="t1"), kept.payment("u2"))
    await rounds(keeper)
    await kept.label("t1")
    await rounds(keeper)
    u1, u2 = await kept.summary(), await kept.summary(U2)
    assert u1 is not None and u2 is not None
    assert (u1.frauds, u2.fraud_near) == (1, 2), "the device has it too"
    await kept.label("t1", "legitimate")
    await rounds(keeper)
    u1, u2 = await kept.summary(), await kept.summary(U2)
    assert u1 is not None and u2 is not None
    assert (u1.frauds, u2.fraud_near) == (0, 0)


async def test_a_label_that_was_there_first_counts_when_its_transaction_comes(kept: Kept) -> None:
    await kept.declare(SIZE)
    keeper = kept.keeper()
    await rounds(keeper)
    payment = kept.payment(transaction_id="t1")
    await kept.label("t1")
    await kept.decide(payment)
    await rounds(keeper)
    user = await kept.summary()
    assert user is not None and user.frauds == 1


async def test_a_label_counts_that_a_clock_ahead_of_the_databases_stored(kept: Kept) -> None:
    await kept.declare(SIZE)
    keeper = kept.keeper()
    await rounds(keeper)
    await kept.decide(kept.payment(transaction_id="t1"))
    await kept.label("t1", ahead=timedelta(minutes=1))
    await rounds(keeper)
    user = await kept.summary()
    assert user is not None and user.frauds == 1


@pytest.mark.parametrize("is_before", [True, False])
async def test_events_that_are_too_old_by_their_own_time_are_not_entered(kept: Kept, is_before: bool) -> None:
    old = kept.payment("u1", "d2", event_time=datetime.now(UTC) - KEPT - timedelta(hours=1), transaction_id="t1")
    decided_now = [old, kept.payment("u1", "d1"), kept.payment("u2", "d2")]
    if is_before:
        await kept.decide(*decided_now)
    await kept.declare(SIZE)
    keeper = kept.keeper()
    await rounds(keeper)
    if not is_before:
        await kept.decide(*decided_now)
    await kept.label("t1")
    await rounds(keeper, 8)
    u1, u2 = await kept.summary(), await kept.summary(U2)
    assert u1 is not None and u2 is not None
    assert (u1.sizes.size, u2.sizes.size) == (2, 2), "nothing that is still kept links them"
    assert u1.frauds == 0


async def test_a_graph_that_cannot_be_kept_holds_up_nobody_elses(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    other = Kept(kept.pool, kept.relay, kept.store, kept.reads)
    keeper = kept.keeper()
    for each in (kept, other):
        await each.declare(SIZE)
    await rounds(keeper)
    keeper._store = cast(GraphStore, FailingFor(kept.store, kept.tenant))
    await other.decide(other.payment())
    await rounds(keeper)
    assert await other.summary() is not None
    (told,) = [each for each in caplog.records if "graph of a tenant cannot be kept" in each.message]
    assert vars(told)["fields"] == {"tenant": kept.tenant}, "it is left alone for a while"


async def test_a_tenant_without_features_of_the_graph_has_none(kept: Kept) -> None:
    keeper = kept.keeper()
    await kept.decide(kept.payment())
    await rounds(keeper)
    assert not await kept.store.reach()
    await kept.declare(SIZE)
    await rounds(keeper)
    assert await kept.store.reach() and await kept.is_linked()
    await kept.declare(without=("size",))
    await rounds(keeper)
    assert not await kept.store.reach()
    await kept.declare(SIZE)
    assert not await kept.is_linked(), "what was dropped is not whole for whoever comes next"


async def test_graphs_whose_place_is_lost_are_made_anew(kept: Kept, lone_database: Database) -> None:
    await kept.declare(SIZE)
    await rounds(kept.keeper())
    await kept.decide(kept.payment())
    await rounds(kept.keeper())
    await kept.decide(kept.payment())
    async with kept.store.begin(()) as changes:
        place = await changes.place()
        assert place is not None
        await changes.move(place[0], place[1]._replace(cluster="another"), datetime.now(UTC))
    keeper = kept.keeper()
    await rounds(keeper, 8)
    user = await kept.summary()
    assert user is not None
    (edge,) = await kept.reads.edges(kept.tenant, [user.number], 10)
    assert edge.events == 2


async def test_a_label_that_comes_while_its_decision_is_filled_in_is_not_lost(kept: Kept) -> None:
    await kept.decide(kept.payment(transaction_id="t1"))
    await kept.declare(SIZE)
    keeper = kept.keeper()
    events = PostgresGraphEvents(kept.relay, kept.pool)

    async def labelled(*asked: Any) -> Sequence[GraphEvent]:
        found = await events.stored(*asked)
        await kept.label("t1")
        return found

    keeper._events = SimpleNamespace(stored=labelled, follow=events.follow, newest=events.newest)
    await rounds(keeper, 6)
    user = await kept.summary()
    assert user is not None and user.frauds == 1
