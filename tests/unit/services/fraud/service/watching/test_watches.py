"""Streams of decisions on the log in memory: what is missed, what is new, and what happens when either is away."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from rampart.fraud.v1 import decision_pb2

from meshkit.errors import Kind, MeshError
from meshkit.supervisor import BackgroundTask
from services.fraud.adapters.memory_log import MemoryLog
from services.fraud.domain.outbox import Place
from services.fraud.domain.watching import Selection, WatchEvent
from services.fraud.ports import LogPage
from services.fraud.service.watching import feed as feed_module
from services.fraud.service.watching import watches as watches_module
from services.fraud.service.watching.feed import DecisionFeed
from services.fraud.service.watching.limits import WatchLimits, WatchPace
from services.fraud.service.watching.tail import Tail
from services.fraud.service.watching.watches import Watches
from tests.support.fraud import check, decided, new_tenant

Watching = AsyncGenerator[WatchEvent, None]


class CountedLog(MemoryLog):
    """Counts the reads, and whom they were for."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[frozenset[str]] = []

    async def read(self, tenants: Collection[str], after: Place, limit: int) -> LogPage:
        self.reads.append(frozenset(tenants))
        await asyncio.sleep(0)
        return await super().read(tenants, after, limit)


@dataclass
class Fraud:
    """A fraud service as far as watching goes."""

    log: CountedLog
    feed: DecisionFeed
    watches: Watches

    def commit(self, tenant: str, *names: str, tell: bool = True, **fields: Any) -> Place:
        place = self.log.commit([decided(check(tenant, name, **fields)) for name in names])
        if tell:
            self.feed.notify()
        return place

    def watch(self, tenant: str, selection: Selection = Selection(), after: Place | None = None) -> Watching:
        return self.watches.watch(tenant, selection, after)


def serving(*, heartbeat: float = 60.0, recent_rows: int = 4_096, total: int = 100, **feed: Any) -> Fraud:
    log = CountedLog()
    followed = DecisionFeed(log, recent_rows=recent_rows, **feed)
    limits, pace = WatchLimits(total, total), WatchPace(1e6)
    return Fraud(log, followed, Watches(log=log, feed=followed, limits=limits, pace=pace, heartbeat=heartbeat))


@asynccontextmanager
async def running(fraud: Fraud) -> AsyncIterator[Fraud]:
    task = asyncio.create_task(fraud.feed.run())
    try:
        yield fraud
    finally:
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def fraud() -> AsyncIterator[Fraud]:
    async with running(serving()) as fraud:
        yield fraud


@pytest.fixture
def tenant() -> str:
    return new_tenant()


async def sighting(watching: Watching) -> WatchEvent:
    return await asyncio.wait_for(anext(watching), 5)


def name(found: WatchEvent) -> str:
    return decision_pb2.Decision.FromString(found.row.answer).transaction_id if found.row else ""


async def names(watching: Watching, count: int) -> list[str]:
    return [name(await sighting(watching)) for _ in range(count)]


async def started(watching: Watching) -> Place:
    first = await sighting(watching)
    assert first.row is None
    return first.place


async def test_stream_begins_with_its_place_and_goes_on_with_what_is_committed(fraud: Fraud, tenant: str) -> None:
    fraud.commit(tenant, "before")
    async with aclosing(fraud.watch(tenant)) as watching:
        await started(watching)
        for number in range(5):
            fraud.commit(tenant, f"{number}-a", f"{number}-b")
            assert await names(watching, 2) == [f"{number}-a", f"{number}-b"]


async def test_commits_of_other_replicas_are_found_without_being_told(fraud: Fraud, tenant: str) -> None:
    async with aclosing(fraud.watch(tenant)) as watching:
        await started(watching)
        fraud.commit(tenant, "elsewhere", tell=False)
        assert await names(watching, 1) == ["elsewhere"]


async def test_commit_of_this_process_does_not_wait_for_the_next_poll(tenant: str) -> None:
    async with running(serving(poll=60.0)) as fraud, aclosing(fraud.watch(tenant)) as watching:
        await started(watching)
        await asyncio.sleep(0.1)
        fraud.commit(tenant, "here")
        assert await names(watching, 1) == ["here"]


async def test_stream_resumes_after_any_of_its_places_without_gap_or_repeat(fraud: Fraud, tenant: str) -> None:
    expected = [f"t-{number}" for number in range(20)]
    async with aclosing(fraud.watch(tenant)) as watching:
        places = [await started(watching)]
        for each in expected:
            fraud.commit(tenant, each)
        places += [(await sighting(watching)).place for _ in expected]
    for count, place in enumerate(places):
        async with aclosing(fraud.watch(tenant, after=place)) as resumed:
            assert await started(resumed) == place
            assert await names(resumed, len(expected) - count) == expected[count:]
            fraud.commit(tenant, f"new-{count}")
            expected.append(f"new-{count}")
            assert await names(resumed, 1) == expected[-1:]


async def test_backlog_longer_than_a_page_is_sent_before_what_is_new(
    fraud: Fraud, tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches_module, "PAGE_ROWS", 7)
    place = await fraud.log.newest()
    expected = [f"t-{number}" for number in range(50)]
    fraud.commit(tenant, *expected)
    async with aclosing(fraud.watch(tenant, after=place)) as watching:
        await started(watching)
        for number in range(50, 60):
            fraud.commit(tenant, f"t-{number}")
            expected.append(f"t-{number}")
        assert await names(watching, 60) == expected


async def test_tenants_see_only_their_own_and_share_one_reader(fraud: Fraud) -> None:
    tenants = [new_tenant() for _ in range(3)]
    streams = [fraud.watch(tenant) for tenant in tenants for _ in range(4)]
    for stream in streams:
        await started(stream)
    for tenant in tenants:
        fraud.commit(tenant, f"a-{tenant}", f"b-{tenant}")
    for index, stream in enumerate(streams):
        mine = tenants[index // 4]
        assert await names(stream, 2) == [f"a-{mine}", f"b-{mine}"]
    assert set(fraud.log.reads[-3:]) == {frozenset(tenants)}
    for stream in streams:
        await stream.aclose()


async def test_only_what_was_selected_is_sent(fraud: Fraud, tenant: str) -> None:
    async with aclosing(fraud.watch(tenant, Selection(user_id="u2"))) as watching:
        await started(watching)
        for number in range(10):
            fraud.commit(tenant, f"t-{number}", user_id=f"u{number % 3}")
        assert await names(watching, 3) == ["t-2", "t-5", "t-8"]


async def test_silence_is_broken_by_places_that_move_on(tenant: str) -> None:
    async with running(serving(heartbeat=0.1)) as fraud:
        async with aclosing(fraud.watch(tenant, Selection(user_id="nobody"))) as watching:
            first = await started(watching)
            places = [first]
            for number in range(3):
                fraud.commit(tenant, f"t-{number}")
                fraud.commit(new_tenant(), "theirs")
                places.append((await sighting(watching)).place)
        assert places == sorted(places)
        assert places[-1] > first
        async with aclosing(fraud.watch(tenant, after=places[-1])) as resumed:
            await started(resumed)
            fraud.commit(tenant, "next")
            assert await names(resumed, 1) == ["next"]


async def test_watcher_that_reads_slowly_is_waited_for_and_misses_nothing(tenant: str) -> None:
    async with (
        running(serving(recent_rows=10)) as fraud,
        aclosing(fraud.watch(tenant)) as slow,
        aclosing(fraud.watch(tenant)) as quick,
    ):
        for watching in (slow, quick):
            await started(watching)
        expected = [f"t-{number}" for number in range(200)]
        for each in expected:
            fraud.commit(tenant, each)
            assert await names(quick, 1) == [each]
        assert sum(len(tail) for tail in fraud.feed._tails.values()) <= 10
        assert await names(slow, 200) == expected
        fraud.commit(tenant, "new")
        assert await names(slow, 1) == await names(quick, 1) == ["new"]


async def test_decisions_kept_are_bounded_over_all_tenants(tenant: str) -> None:
    async with running(serving(recent_rows=10)) as fraud:
        streams = [fraud.watch(new_tenant()) for _ in range(5)]
        for stream in streams:
            await started(stream)
        mine = fraud.watch(tenant)
        await started(mine)
        for other in list(fraud.feed._tails):
            fraud.commit(other, *[f"t-{number}" for number in range(20)])
        assert await names(mine, 20) == [f"t-{number}" for number in range(20)]
        assert sum(len(tail) for tail in fraud.feed._tails.values()) <= 10
        for stream in (*streams, mine):
            await stream.aclose()


async def test_place_that_is_gone_is_told_before_anything_else(fraud: Fraud, tenant: str) -> None:
    place = await fraud.log.newest()
    fraud.log.prune(fraud.commit(tenant, "a", "b"))
    with pytest.raises(MeshError) as caught:
        await started(fraud.watch(tenant, after=place))
    assert (caught.value.kind, caught.value.reason) == (Kind.OUT_OF_RANGE, "STREAM_POSITION_LOST")


async def test_watcher_slower_than_the_outbox_is_kept_is_told(tenant: str) -> None:
    async with running(serving(recent_rows=2)) as fraud, aclosing(fraud.watch(tenant)) as watching:
        await started(watching)
        fraud.commit(tenant, "seen")
        assert await names(watching, 1) == ["seen"]
        last = fraud.commit(tenant, *[f"t-{number}" for number in range(10)])
        await asyncio.sleep(0.1)
        fraud.log.prune(last)
        with pytest.raises(MeshError) as caught:
            await sighting(watching)
        assert caught.value.reason == "STREAM_POSITION_LOST"


async def test_outage_of_the_store_is_waited_out(
    fraud: Fraud, tenant: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feed_module, "RETRY_SECONDS", 0.02)
    async with aclosing(fraud.watch(tenant)) as watching:
        await started(watching)
        fraud.commit(tenant, "before")
        assert await names(watching, 1) == ["before"]
        fraud.log.available = False
        fraud.commit(tenant, "meanwhile")
        await asyncio.sleep(0.2)
        fraud.log.available = True
        fraud.commit(tenant, "after")
        assert await names(watching, 2) == ["meanwhile", "after"]
    assert caplog.text.count("the outbox is not followed") == 1


async def test_stream_that_cannot_begin_says_so(fraud: Fraud, tenant: str) -> None:
    fraud.log.available = False
    for after in (None, Place(1, 0)):
        with pytest.raises(MeshError) as caught:
            await started(fraud.watch(tenant, after=after))
        assert caught.value.kind is Kind.UNAVAILABLE


async def test_follower_that_fails_begins_anew_without_gap_or_repeat(
    tenant: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fraud = serving()
    following = BackgroundTask("decision feed", fraud.feed.run, lambda _: None)
    following.start()
    add, failures = Tail.add, iter([False, True, False])

    def fail(tail: Tail, row: Any) -> None:
        add(tail, row)
        if next(failures, False):
            raise RuntimeError("broken")

    async with aclosing(fraud.watch(tenant)) as watching:
        await started(watching)
        await asyncio.sleep(0.1)
        monkeypatch.setattr(Tail, "add", fail)
        fraud.commit(tenant, "a", "b", "c")
        assert await names(watching, 3) == ["a", "b", "c"]
        fraud.commit(tenant, "d")
        assert await names(watching, 1) == ["d"]
    assert "broken" in caplog.text
    await following.stop()


async def test_nobody_is_read_for_once_nobody_watches(fraud: Fraud, tenant: str) -> None:
    async with aclosing(fraud.watch(tenant)) as watching:
        await started(watching)
        fraud.commit(tenant, "a")
        assert await names(watching, 1) == ["a"]
    await asyncio.sleep(0.1)
    reads = len(fraud.log.reads)
    for number in range(5):
        fraud.commit(tenant, f"unseen-{number}")
        await asyncio.sleep(0.02)
    assert len(fraud.log.reads) == reads
    async with aclosing(fraud.watch(tenant)) as watching:
        await started(watching)
        fraud.commit(tenant, "seen")
        assert await names(watching, 1) == ["seen"]


@pytest.mark.parametrize("steps", [1, 2, 3])
async def test_watcher_that_leaves_at_any_moment_leaves_nothing_behind(fraud: Fraud, tenant: str, steps: int) -> None:
    before = asyncio.all_tasks()
    for _ in range(20):
        watching = fraud.watch(tenant)
        reading = asyncio.ensure_future(names(watching, steps))
        for _ in range(steps):
            await asyncio.sleep(0.001)
            fraud.commit(tenant, "a")
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await watching.aclose()
    await asyncio.sleep(0.1)
    assert fraud.feed._tails == {}
    assert len(fraud.feed._kept) == 0
    assert not asyncio.all_tasks() - before
    # The task's exception knows the frames that it passed through.
    del reading, watching
    gc.collect()
    assert [each for each in gc.get_objects() if isinstance(each, Tail)] == []


async def test_too_many_watchers_are_refused(tenant: str) -> None:
    async with running(serving(total=2)) as fraud:
        streams = [fraud.watch(tenant) for _ in range(2)]
        for stream in streams:
            await started(stream)
        with pytest.raises(MeshError) as caught:
            await started(fraud.watch(tenant))
        assert caught.value.reason == "OVERLOADED"
        for stream in streams:
            await stream.aclose()
        async with aclosing(fraud.watch(tenant)) as watching:
            await started(watching)


async def test_busy_tenant_is_read_at_a_pace(fraud: Fraud, tenant: str) -> None:
    loop = asyncio.get_running_loop()
    async with aclosing(fraud.watch(tenant)) as watching:
        await started(watching)
        await asyncio.sleep(0.1)
        fraud.log.reads.clear()
        start = loop.time()
        for number in range(100):
            fraud.commit(tenant, f"t-{number}")
            await asyncio.sleep(0.005)
        assert len(fraud.log.reads) <= 3 + (loop.time() - start) / feed_module.PACE_SECONDS
        assert await names(watching, 100) == [f"t-{number}" for number in range(100)]
