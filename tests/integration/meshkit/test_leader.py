"""One leader at a time; another follows whatever ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from meshkit.storage.leader import Leader, Session
from meshkit.supervisor import BackgroundTask
from meshkit.telemetry.admin import NotReadyError
from tests.support.servers import Database


@pytest.fixture(scope="module")
def database(databases: dict[str, Database]) -> Database:
    return databases["data"]


class Office:
    """Work that notes who does it."""

    def __init__(self) -> None:
        self.holders: list[str] = []
        self.terms = 0
        self.most = 0
        self.session: Session | None = None

    def leader(self, database: Database, name: str) -> Leader:
        async def work(session: Session) -> None:
            self.holders.append(name)
            self.terms += 1
            self.most = max(self.most, len(self.holders))
            self.session = session
            try:
                while True:
                    await session.execute("SELECT 1")
                    await asyncio.sleep(0.01)
            finally:
                self.holders.remove(name)

        return Leader(database.dsn, "office", work)

    async def held(self, terms: int) -> None:
        async with asyncio.timeout(10):
            while True:
                if self.terms >= terms and self.holders:
                    return
                await asyncio.sleep(0.01)


@asynccontextmanager
async def running(*leaders: Leader) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(leader.run()) for leader in leaders]
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_one_of_many_leads(database: Database) -> None:
    office = Office()
    async with running(*[office.leader(database, str(number)) for number in range(4)]):
        await office.held(1)
        await asyncio.sleep(1.2)
        assert (office.most, office.terms) == (1, 1)


async def test_the_next_leads_when_the_leader_stops(database: Database) -> None:
    office = Office()
    async with running(office.leader(database, "a")) as (first,):
        await office.held(1)
        async with running(office.leader(database, "b")):
            first.cancel()
            await office.held(2)
            assert (office.holders, office.most) == (["b"], 1)


async def test_a_leader_whose_session_is_cut_stops_and_somebody_leads_again(database: Database) -> None:
    office = Office()
    async with running(office.leader(database, "a"), office.leader(database, "b")):
        for term in range(1, 4):
            await office.held(term)
            assert office.session is not None
            pid = office.session.get_server_pid()
            killer = await asyncpg.connect(database.dsn, timeout=5)
            await killer.execute("SELECT pg_terminate_backend($1)", pid)
            await killer.close()
        await office.held(4)
        assert office.most == 1


async def test_work_that_fails_is_started_again(database: Database) -> None:
    failures = 3
    done = asyncio.Event()

    async def work(session: Session) -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise ValueError("unexpected")
        done.set()
        await asyncio.sleep(60)

    task = BackgroundTask("failing", Leader(database.dsn, "failing", work).run, lambda _: None)
    task.start()
    async with asyncio.timeout(10):
        await done.wait()
    with pytest.raises(NotReadyError, match="died of ValueError"):
        await task.check()
    await task.stop()


async def test_leaders_of_different_work_do_not_exclude_each_other(database: Database) -> None:
    started = [asyncio.Event(), asyncio.Event()]

    def leader(number: int) -> Leader:
        async def work(session: Session) -> None:
            started[number].set()
            await asyncio.sleep(60)

        return Leader(database.dsn, f"work {number}", work)

    async with running(leader(0), leader(1)), asyncio.timeout(10):
        await asyncio.gather(*[event.wait() for event in started])


async def test_a_leader_waits_for_its_database(database: Database) -> None:
    async with running(Leader(database.dsn.replace("host=", "host=/nowhere"), "lost", _never)) as (task,):
        await asyncio.sleep(0.5)
        assert not task.done()


async def _never(session: Session) -> None:
    raise AssertionError("there is no session")
