"""What counted once does so no second time after a lost place, by the same tests in memory and in PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg
import pytest

from meshkit.following.batches import Batch, Position
from meshkit.storage import postgres
from meshkit.storage.reads import Reads
from services.cases.adapters.memory import MemoryCaseRows
from services.cases.adapters.memory_reads import MemoryCaseFollower, MemoryCaseReads
from services.cases.adapters.postgres_follower import PostgresCaseFollower
from services.cases.adapters.postgres_reads import PostgresCaseReads
from services.cases.domain.alerts import StoredAlert
from services.cases.domain.events import DecidedEvent
from services.cases.ports import AlertFilter, CaseFollowing, CaseReads
from services.cases.service import recovering
from services.cases.service.raising import AlertRaising
from services.cases.service.recovering import PlaceRecovery
from tests.integration.conftest import FreshDatabase
from tests.support.cases import NEWEST, NOON, PagedDecisions, decided_event

ACME, OTHER = sorted(str(uuid.uuid4()) for _ in range(2))


@dataclass
class Followed:
    """A follower, and what can be seen of its effects."""

    follower: CaseFollowing
    reads: CaseReads
    dropped: Callable[[], Awaitable[int]]
    """Returns how many are known as counted beside those that are kept."""
    steps: int = 0

    async def apply(self, events: Sequence[DecidedEvent]) -> None:
        self.steps += 1
        place = Position(self.steps - 1, 0), Position(self.steps, 0)
        await self.follower.apply(Batch(*place, events, [b""] * len(events)))

    async def alert(self, tenant_id: str = ACME) -> StoredAlert:
        (found,) = await self.reads.alerts(tenant_id, AlertFilter(), None, 10)
        return found


@pytest.fixture(params=["memory", "postgres"])
async def followed(request: pytest.FixtureRequest) -> AsyncIterator[Followed]:
    take = AlertRaising(lambda: NOON).take
    if request.param == "memory":
        rows = MemoryCaseRows()

        async def kept() -> int:
            return len(rows.dropped)

        yield Followed(MemoryCaseFollower(rows, take), MemoryCaseReads(rows), kept)
        return
    fresh: FreshDatabase = request.getfixturevalue("fresh_database")
    database = fresh("cases")
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(postgres.pool(database.dsn))
        session = await asyncpg.connect(database.dsn, timeout=5)
        superuser = await asyncpg.connect(database.server.dsn(database.name, "postgres"), timeout=5)
        for each in (session, superuser):
            stack.push_async_callback(each.close)

        async def stored() -> int:
            count: int = await superuser.fetchval("SELECT count(*) FROM dropped_evidence")
            return count

        yield Followed(PostgresCaseFollower(session, take), PostgresCaseReads(Reads(pool)), stored)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovering, "RETRY_SECONDS", 0.001)


def burst(count: int, tenant_id: str = ACME, first: int = 0) -> list[DecidedEvent]:
    """Returns payments of one user, a hundred in a minute."""
    return [decided_event(tenant_id, f"t{number:04}", minutes=number / 100) for number in range(first, first + count)]


async def test_what_came_in_a_burst_counts_once_when_it_is_looked_at_again(followed: Followed) -> None:
    events = burst(260)
    for start in range(0, 240, 60):
        await followed.apply(events[start : start + 60])
    before = await followed.alert()
    await followed.follower.note("the database is older than it")
    assert await PlaceRecovery(PagedDecisions(events, size=70)).run(followed.follower)
    after = await followed.alert()
    assert (before.count, after.count) == (240, 260)
    assert [each.minor for each in after.amounts] == [260 * 12_50]
    assert await followed.follower.position() == NEWEST


async def test_what_can_come_no_more_is_forgotten(followed: Followed) -> None:
    await followed.apply([*burst(130), *burst(110, OTHER)])
    assert await followed.dropped() == 40
    await followed.apply([decided_event(ACME, "soon", minutes=5)])
    assert await followed.dropped() == 41
    await followed.apply([decided_event(ACME, "late", minutes=5.2)])
    assert 10 < await followed.dropped() < 42
    await followed.apply([decided_event(tenant, "hour", minutes=60) for tenant in (ACME, OTHER)])
    assert await followed.dropped() == 0


async def test_a_search_for_the_place_that_is_interrupted_begins_again_and_misses_nothing(followed: Followed) -> None:
    await followed.apply([*burst(110), *burst(110, OTHER)])
    await followed.follower.note("the database is older than it")
    later = [decided_event(tenant, f"hour{n}", minutes=60 + n) for tenant in (ACME, OTHER) for n in range(20)]
    missed = [*burst(110), *later[:20], *burst(120, OTHER), *later[20:]]
    with pytest.raises(RuntimeError):
        await PlaceRecovery(PagedDecisions(missed, size=130, broken=2)).run(followed.follower)
    assert await PlaceRecovery(PagedDecisions(missed, size=130)).run(followed.follower)
    assert [(await followed.alert(tenant)).count for tenant in (ACME, OTHER)] == [130, 140]
