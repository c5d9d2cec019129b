from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from meshkit.errors import unavailable
from meshkit.storage import changes
from meshkit.storage.changes import Change, ChangeFeed, ChangePublisher, Freshness
from meshkit.storage.event_stream import Entry, MemoryStream

ONE, OTHER = Change("user", "tenant-1", "u1"), Change("user", "tenant-2", "u1")


class Breakable(MemoryStream):
    """A stream that can be away."""

    away = False

    def _check(self) -> None:
        if self.away:
            raise unavailable("redis")

    async def append(self, data: bytes) -> None:
        self._check()
        await super().append(data)

    async def last(self) -> Entry | None:
        self._check()
        return await super().last()

    async def read(self, after: str, *, limit: int, wait: float) -> list[Entry]:
        self._check()
        found = await super().read(after, limit=limit, wait=wait)
        self._check()
        return found


class Hearing:
    """A listener of a feed of its own, and what it was told."""

    def __init__(self, stream: MemoryStream) -> None:
        self.told: list[Change] = []
        self.lost = 0
        self.live = False
        self.feed = ChangeFeed(stream, self)

    def heard(self, change: Change) -> None:
        self.told.append(change)

    def everything_changed(self) -> None:
        self.lost += 1


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RETRY_SECONDS", "READ_SECONDS"):
        monkeypatch.setattr(changes, name, 0.02)


@contextlib.asynccontextmanager
async def hearing(stream: MemoryStream) -> AsyncIterator[Hearing]:
    found = Hearing(stream)
    task = asyncio.create_task(found.feed.run())
    try:
        yield found
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: object) -> None:
    async with asyncio.timeout(5):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


async def test_changes_are_heard_in_their_order_from_the_start_of_the_feed_on() -> None:
    stream = MemoryStream()
    publisher = ChangePublisher(stream)
    await publisher.publish(Change("user", "tenant-1", "before"))
    async with hearing(stream) as found:
        await until(lambda: found.live)
        for change in (ONE, OTHER, ONE):
            await publisher.publish(change)
        await until(lambda: len(found.told) == 3)
    assert found.told == [ONE, OTHER, ONE]
    assert found.lost == 1, "what was known before the start may be old"
    assert not found.live


async def test_feed_that_breaks_off_is_not_live_and_may_have_lost_changes() -> None:
    stream = Breakable()
    async with hearing(stream) as found:
        await until(lambda: found.live)
        stream.away = True
        await until(lambda: not found.live)
        stream.away = False
        await until(lambda: found.live)
        assert found.lost == 2


async def test_feed_is_not_live_while_the_stream_was_never_there() -> None:
    stream = Breakable()
    stream.away = True
    async with hearing(stream) as found:
        await asyncio.sleep(0.1)
        assert not found.live
        assert found.lost == 0


async def test_feed_that_is_far_behind_takes_everything_for_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "READ_LIMIT", 3)
    stream = MemoryStream()
    async with hearing(stream) as found:
        await until(lambda: found.live)
        for _ in range(5):
            await stream.append(ONE.encode())
        await until(lambda: len(found.told) == 5)
        assert found.lost >= 2


@pytest.mark.parametrize("data", [b"", b"nonsense", b"{}", b'["user"]', b'["user","t",1]', b"\xff"])
async def test_entry_that_cannot_be_read_counts_as_lost(data: bytes) -> None:
    stream = MemoryStream()
    async with hearing(stream) as found:
        await until(lambda: found.live)
        await stream.append(data)
        await stream.append(ONE.encode())
        await until(lambda: found.told == [ONE])
        assert found.lost == 2


async def test_publishing_never_fails_and_is_made_up_for() -> None:
    stream = Breakable()
    publisher = ChangePublisher(stream)
    task = asyncio.create_task(publisher.run())
    stream.away = True
    await publisher.publish(ONE)
    await publisher.publish(OTHER)
    async with hearing(stream) as found:
        stream.away = False
        await until(lambda: await_heard(found) or stream_has(stream, 2))
    task.cancel()


def await_heard(found: Hearing) -> bool:
    return set(found.told) == {ONE, OTHER}


def stream_has(stream: MemoryStream, count: int) -> bool:
    return len(stream._entries) == count


async def test_publishing_does_not_wait_for_a_stream_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "PUBLISH_SECONDS", 0.02)

    class Hanging(MemoryStream):
        async def append(self, data: bytes) -> None:
            await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await ChangePublisher(Hanging()).publish(ONE)


async def test_what_could_not_be_told_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_PENDING", 3)
    stream = Breakable()
    stream.away = True
    publisher = ChangePublisher(stream)
    for number in range(10):
        await publisher.publish(Change("user", "t", str(number)))
    assert [change.key for change in publisher._pending] == ["7", "8", "9"]


def test_reading_before_a_change_does_not_hold_and_after_it_does() -> None:
    freshness = Freshness()
    before = freshness.now()
    assert freshness.holds(before, "user", "t1")
    freshness.changed("user", "t1")
    assert not freshness.holds(before, "user", "t1")
    assert freshness.holds(before, "user", "t2")
    assert freshness.holds(freshness.now(), "user", "t1")
    freshness.everything_changed()
    assert not freshness.holds(before, "user", "t2")
    assert freshness.holds(freshness.now(), "user", "t2")


def test_freshness_forgets_on_the_safe_side() -> None:
    freshness = Freshness(max_keys=2)
    before = freshness.now()
    freshness.changed("a")
    between = freshness.now()
    for key in ("b", "c", "d"):
        freshness.changed(key)
    for key in ("a", "b", "c", "d", "e"):
        assert not freshness.holds(before, key)
    assert not freshness.holds(between, "b")
    assert len(freshness._changed) == 2
    now = freshness.now()
    assert all(freshness.holds(now, key) for key in "abcde")
