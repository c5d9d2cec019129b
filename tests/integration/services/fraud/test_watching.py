"""Watching on a real database with several replicas: every decision once and in order, whatever the watchers do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest
from rampart.fraud.v1 import decision_pb2

from meshkit.storage.postgres import open_pool
from services.fraud.adapters.postgres_log import PostgresLog
from services.fraud.adapters.postgres_store import PostgresStore
from services.fraud.domain.outbox import Place
from services.fraud.domain.watching import Selection, WatchEvent
from services.fraud.service.watching.feed import DecisionFeed
from services.fraud.service.watching.limits import WatchLimits, WatchPace
from services.fraud.service.watching.watches import Watches
from tests.support.fraud import check, decided, new_tenant
from tests.support.readers import store_of
from tests.support.servers import Database

RECENT_ROWS = 20
WRITERS, COMMITS = 4, 40


@dataclass(frozen=True)
class Replica:
    """What a process of the fraud service has of its own."""

    store: PostgresStore
    watches: Watches

    async def commit(self, tenant: str, *names: str) -> None:
        assert (await self.store.commit([decided(check(tenant, name)) for name in names])).earlier == {}


@asynccontextmanager
async def replica(database: Database) -> AsyncIterator[Replica]:
    pool, log_pool = await open_pool(database.dsn), await open_pool(database.dsn, size=3)
    log = PostgresLog(log_pool)
    feed = DecisionFeed(log, recent_rows=RECENT_ROWS)
    watches = Watches(log=log, feed=feed, limits=WatchLimits(100, 100), pace=WatchPace(1e6), heartbeat=0.2)
    following = asyncio.create_task(feed.run())
    try:
        yield Replica(store_of(pool, on_commit=feed.notify), watches)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await log_pool.close()
        await pool.close()


@pytest.fixture
async def replicas(fraud_database: Database) -> AsyncIterator[Sequence[Replica]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(replica(fraud_database)) for _ in range(2)]


class Watcher:
    """Reads a tenant's decisions, and notes where it is."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.place: Place | None = None
        self.names: list[str] = []

    def note(self, sighting: WatchEvent) -> None:
        assert self.place is None or sighting.place >= self.place
        self.place = sighting.place
        if sighting.row is not None:
            self.names.append(decision_pb2.Decision.FromString(sighting.row.answer).transaction_id)

    async def read(self, at: Replica, sightings: int, pause: float = 0.0) -> None:
        """Reads so many sightings and leaves."""
        async with aclosing(at.watches.watch(self.tenant, Selection(), self.place)) as watching:
            for _ in range(sightings):
                self.note(await anext(watching))
                if pause:
                    await asyncio.sleep(pause)

    async def read_until(self, at: Replica, count: int) -> None:
        """Reads until it knows so many decisions."""
        async with asyncio.timeout(60), aclosing(at.watches.watch(self.tenant, Selection(), self.place)) as watching:
            while len(self.names) < count:
                self.note(await anext(watching))


async def write(replicas: Sequence[Replica], tenants: Sequence[str], writer: int) -> None:
    for number in range(COMMITS):
        for tenant in tenants:
            await replicas[writer % len(replicas)].commit(tenant, f"{writer}-{number}-a", f"{writer}-{number}-b")


def assert_whole(watcher: Watcher) -> None:
    assert len(watcher.names) == len(set(watcher.names)) == WRITERS * COMMITS * 2
    for writer in range(WRITERS):
        mine = [name for name in watcher.names if name.startswith(f"{writer}-")]
        assert mine == [f"{writer}-{number}-{letter}" for number in range(COMMITS) for letter in "ab"]


@pytest.mark.parametrize("seed", range(2))
async def test_watchers_that_come_and_go_on_any_replica_get_everything_once_and_in_order(
    replicas: Sequence[Replica], seed: int
) -> None:
    dice = random.Random(seed)
    tenants = [new_tenant() for _ in range(2)]
    watchers = [Watcher(tenants[number % 2]) for number in range(6)]
    await asyncio.gather(*(watcher.read(replicas[0], 1) for watcher in watchers))
    writing = asyncio.gather(*(write(replicas, tenants, writer) for writer in range(WRITERS)))

    async def come_and_go(watcher: Watcher) -> None:
        while not writing.done():
            await watcher.read(dice.choice(replicas), dice.randint(1, 60), dice.choice([0.0, 0.0, 0.002, 0.02]))

    await asyncio.gather(*(come_and_go(watcher) for watcher in watchers))
    await writing
    for watcher in watchers:
        await watcher.read_until(dice.choice(replicas), WRITERS * COMMITS * 2)
        assert_whole(watcher)
    orders = {tuple(watcher.names) for watcher in watchers}
    assert len(orders) == 2, "watchers of one tenant see one order"


async def test_watcher_that_stays_and_one_that_reads_slowly_see_the_same(replicas: Sequence[Replica]) -> None:
    tenant = new_tenant()
    stays, slow = Watcher(tenant), Watcher(tenant)
    await asyncio.gather(stays.read(replicas[0], 1), slow.read(replicas[0], 1))
    count = WRITERS * COMMITS * 2
    reading = asyncio.gather(stays.read_until(replicas[0], count), slow.read(replicas[1], count + 1, pause=0.005))
    await asyncio.gather(*(write(replicas, [tenant], writer) for writer in range(WRITERS)))
    await reading
    await slow.read_until(replicas[1], count)
    for watcher in (stays, slow):
        assert_whole(watcher)
    assert stays.names == slow.names


@pytest.mark.parametrize("where", [0, 1], ids=["same replica", "other replica"])
async def test_decision_is_seen_where_it_was_committed_and_elsewhere(replicas: Sequence[Replica], where: int) -> None:
    tenant = new_tenant()
    async with aclosing(replicas[where].watches.watch(tenant, Selection(), None)) as watching:
        await anext(watching)
        for number in range(3):
            await replicas[0].commit(tenant, f"t-{number}")
            watcher = Watcher(tenant)
            async with asyncio.timeout(5):
                while not watcher.names:
                    watcher.note(await anext(watching))
            assert watcher.names == [f"t-{number}"]
