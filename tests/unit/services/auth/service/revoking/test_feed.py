"""What every process is told of revocations."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from meshkit.errors import Kind, MeshError, unavailable
from services.auth.domain.revocations import Revocation, RevocationKind, ToldRevocations
from services.auth.ports.revocations import RevocationPage, RevocationRecord
from services.auth.service.revoking.feed import RevocationFeed

NOW = datetime(2026, 11, 29, tzinfo=UTC)
TENANT = "01a1fc5a-3c5b-7001-bc8a-22bbe467f00c"


class Source:
    """Answers with what a test puts into it."""

    def __init__(self) -> None:
        self.records: list[RevocationRecord] = []
        self.next = 1
        self.reads = 0
        self.open = asyncio.Event()
        self.open.set()
        self.fails = False

    async def read(self, since: int) -> RevocationPage:
        self.reads += 1
        await self.open.wait()
        if self.fails:
            raise unavailable("postgres")
        return RevocationPage([record for record in self.records if record.xid >= since], self.next)

    async def forget(self) -> int:
        return 0

    def write(self, xid: int, name: str, until: datetime | None = None) -> None:
        self.records.append(RevocationRecord(xid, Revocation(RevocationKind.SESSION, TENANT, name, NOW, until)))
        self.next = max(self.next, xid + 1)


@pytest.fixture
def source() -> Source:
    return Source()


def names(told: ToldRevocations) -> list[str]:
    return [each.name for each in told.revocations]


async def test_nothing_is_told_before_the_first_read(source: Source) -> None:
    feed = RevocationFeed(source, lambda: NOW)
    with pytest.raises(MeshError) as refused:
        feed.since(0)
    assert refused.value.kind is Kind.UNAVAILABLE
    with pytest.raises(MeshError):
        await feed.check()


async def test_pages_tell_everything_once_and_split_no_transaction(source: Source) -> None:
    for xid, name in [(5, "a"), (7, "b"), (7, "c"), (7, "d"), (9, "e")]:
        source.write(xid, name)
    feed = RevocationFeed(source, lambda: NOW, page=2)
    await feed.refresh()
    told: list[str] = []
    place = pages = 0
    while True:
        page = feed.since(place)
        told, place, pages = told + names(page), page.next, pages + 1
        if not page.more:
            break
    assert (told, place, pages) == (["a", "b", "c", "d", "e"], 10, 2)


async def test_replica_that_lags_behind_does_not_move_a_place_back(source: Source) -> None:
    source.write(5, "a")
    feed = RevocationFeed(source, lambda: NOW)
    await feed.refresh()
    told = feed.since(500)
    assert (names(told), told.next, told.more) == ([], 500, False)


async def test_what_is_over_is_told_for_ten_minutes_so_that_everybody_hears_of_the_end(source: Source) -> None:
    source.write(5, "over", NOW - timedelta(minutes=11))
    source.write(6, "current", NOW - timedelta(minutes=9))
    feed = RevocationFeed(source, lambda: NOW)
    await feed.refresh()
    assert names(feed.since(0)) == ["current"]


async def test_listener_is_called_when_something_changes_and_only_then(source: Source) -> None:
    heard: list[list[str]] = []
    feed = RevocationFeed(source, lambda: NOW, lambda known: heard.append([each.name for each in known]))
    source.write(5, "a")
    for _ in range(3):
        await feed.refresh()
    source.write(6, "b")
    await feed.refresh()
    assert heard == [["a"], ["a", "b"]]


async def asking(feed: RevocationFeed, source: Source) -> list[asyncio.Task[None]]:
    """Has five ask while a reading is under way that began before."""
    source.open.clear()
    first = asyncio.create_task(feed.refresh())
    await asyncio.sleep(0)
    others = [asyncio.create_task(feed.refresh()) for _ in range(5)]
    await asyncio.sleep(0)
    assert source.reads == 1
    return [first, *others]


async def test_who_asks_while_a_reading_is_under_way_shares_the_next_one(source: Source) -> None:
    feed = RevocationFeed(source, lambda: NOW)
    tasks = await asking(feed, source)
    source.open.set()
    await asyncio.gather(*tasks)
    assert source.reads == 2


async def test_who_shares_a_reading_that_fails_is_told(source: Source) -> None:
    feed = RevocationFeed(source, lambda: NOW)
    tasks = await asking(feed, source)
    source.fails = True
    source.open.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert (source.reads, [isinstance(each, MeshError) for each in results]) == (2, [True] * 6)
    source.fails = False
    await feed.refresh()


async def test_reading_that_is_given_up_is_made_by_the_next(source: Source) -> None:
    feed = RevocationFeed(source, lambda: NOW)
    first, *others = await asking(feed, source)
    first.cancel()
    source.open.set()
    await asyncio.gather(*others)
    assert first.cancelled()
    assert source.reads == 2
