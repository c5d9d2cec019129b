"""The parts of a process: opened in order, closed in reverse, whatever fails on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from meshkit import cancellation, supervisor
from meshkit.host import Host
from meshkit.settings import SettingsError
from meshkit.telemetry.admin import NotReadyError, admin_app


class Journal:
    """What happened to parts, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @asynccontextmanager
    async def part(self, name: str, *, broken: bool = False) -> AsyncIterator[str]:
        if broken:
            raise OSError(f"{name} is broken")
        self.lines.append(f"+{name}")
        try:
            yield name
        finally:
            self.lines.append(f"-{name}")


class Server:
    """Serves nothing until it is stopped."""

    def __init__(self, serving: Callable[[], None] = lambda: None) -> None:
        self._serving = serving

    async def run(self, stopping: Callable[[], Awaitable[None]]) -> None:
        self._serving()
        await stopping()


@pytest.fixture
def journal() -> Journal:
    return Journal()


async def test_parts_close_in_the_reverse_order_of_their_opening(journal: Journal) -> None:
    async with Host("test") as host:
        assert await host.open(journal.part("pool")) == "pool"
        host.closing(lambda: journal.lines.append("-log"))

        async def work() -> None:
            journal.lines.append("+work")
            try:
                await asyncio.Event().wait()
            finally:
                journal.lines.append("-work")

        host.background("work", work)
        await host.open(journal.part("channel"))
        assert journal.lines == ["+pool", "+work", "+channel"]
    assert journal.lines[3:] == ["-channel", "-work", "-log", "-pool"]


async def test_part_that_cannot_open_leaves_nothing_open_that_was_opened_before(journal: Journal) -> None:
    with pytest.raises(OSError, match="broken"):
        async with Host("test") as host:
            await host.open(journal.part("pool"))
            await host.open(journal.part("redis", broken=True))
    assert journal.lines == ["+pool", "-pool"]


async def test_part_that_cannot_close_is_logged_and_the_others_are_closed(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        yield
        raise RuntimeError("cannot close")

    async with Host("test") as host:
        await host.open(journal.part("pool"))
        await host.open(broken(), name="broken part")
        await host.open(journal.part("channel"))
    assert journal.lines == ["+pool", "+channel", "-channel", "-pool"]
    assert "the part broken part could not be closed" in caplog.text


async def test_part_that_hangs_when_it_closes_is_given_up(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    @asynccontextmanager
    async def hanging() -> AsyncIterator[None]:
        yield
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        async with Host("test", close_seconds=0.05) as host:
            await host.open(journal.part("pool"))
            await host.open(hanging(), name="hanging part")
    assert journal.lines == ["+pool", "-pool"]
    assert "the part hanging part takes more than 0.05 s to close" in caplog.text
    assert host.left_open == [], "it ended when it was cancelled"


async def test_part_that_would_not_even_end_when_cancelled_is_left_behind(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("meshkit.parts.CANCEL_SECONDS", 0.05)
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.05)
    monkeypatch.setattr(cancellation, "CANCEL_AGAIN_SECONDS", 0.01)
    end = asyncio.Event()

    async def deaf() -> None:
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue

    @asynccontextmanager
    async def stuck() -> AsyncIterator[None]:
        yield
        await deaf()

    async with asyncio.timeout(5):
        async with Host("test", close_seconds=0.1) as host:
            await host.open(journal.part("pool"))
            host.background("deaf task", deaf)
            await host.open(stuck(), name="stuck part")
            await asyncio.sleep(0.01)
    assert host.left_open == ["stuck part", "deaf task"]
    assert journal.lines == ["+pool", "-pool"]
    end.set()
    await asyncio.sleep(0.05)


async def test_part_is_entered_and_left_in_one_task() -> None:
    """Timeouts and task groups inside a part depend on it."""
    tasks: list[asyncio.Task[object] | None] = []

    @asynccontextmanager
    async def part() -> AsyncIterator[None]:
        tasks.append(asyncio.current_task())
        async with asyncio.timeout(10):
            yield
        tasks.append(asyncio.current_task())

    async with Host("test") as host:
        await host.open(part())
    assert tasks[0] is tasks[1]


async def test_opening_that_is_cancelled_closes_what_it_has_opened(journal: Journal) -> None:
    @asynccontextmanager
    async def slow() -> AsyncIterator[None]:
        async with journal.part("socket"):
            await asyncio.Event().wait()
            yield

    async with Host("test") as host:
        opening = asyncio.create_task(host.open(slow()))
        await asyncio.sleep(0.01)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert journal.lines == ["+socket", "-socket"]


async def test_stop_during_the_start_ends_it_and_closes_what_is_open(journal: Journal) -> None:
    async with Host("test") as host:

        async def start() -> None:
            await host.open(journal.part("pool"))
            asyncio.get_running_loop().call_soon(host.stop)
            await asyncio.Event().wait()

        async with asyncio.timeout(5):
            assert await host.run(start()) is False
    assert journal.lines == ["+pool", "-pool"]


async def test_stop_before_the_start_is_not_forgotten() -> None:
    async with Host("test") as host:
        host.stop()
        async with asyncio.timeout(5):
            assert await host.run(host.serve(Server())) is False


async def test_start_that_swallows_the_cancellation_once_stops_when_it_serves() -> None:
    async with Host("test") as host:

        async def start() -> None:
            asyncio.get_running_loop().call_soon(host.stop)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await host.serve(Server())

        async with asyncio.timeout(5):
            assert await host.run(start()) is True


async def test_stop_while_it_serves_drains_and_is_no_cancellation() -> None:
    drained = False

    class Draining:
        async def run(self, stopping: Callable[[], Awaitable[None]]) -> None:
            nonlocal drained
            await stopping()
            await asyncio.sleep(0.01)
            drained = True

    async with Host("test") as host:
        asyncio.get_running_loop().call_later(0.01, host.stop)
        assert await host.run(host.serve(Draining())) is True
        assert drained
        assert await host.readiness.missing() == {"process": "is shutting down"}


@pytest.mark.parametrize("serves", [True, False], ids=["while it serves", "while it starts"])
async def test_task_that_no_restart_can_mend_ends_the_process_with_its_error(serves: bool) -> None:
    async def work() -> None:
        raise SettingsError("RAMPART_X does not fit")

    async with Host("test") as host:

        async def start() -> None:
            host.background("work", work)
            if not serves:
                await asyncio.Event().wait()
            await host.serve(Server())

        async with asyncio.timeout(5):
            with pytest.raises(SettingsError, match="RAMPART_X does not fit"):
                await host.run(start())


async def test_error_of_the_start_is_that_of_the_process() -> None:
    async def start() -> None:
        raise OSError("cannot listen")

    async with Host("test") as host:
        with pytest.raises(OSError, match="cannot listen"):
            await host.run(start())


async def test_cancellation_from_outside_is_passed_on() -> None:
    async with Host("test") as host:
        running = asyncio.create_task(host.run(host.serve(Server())))
        await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_readiness_depends_on_what_was_opened_and_names_what_is_missing(journal: Journal) -> None:
    away = True

    async def check(_: str) -> None:
        if away:
            raise ConnectionError("10.0.0.7 refused")

    async with Host("test") as host:
        await host.open(journal.part("pool"), name="postgres", check=check)
        assert await host.readiness.missing() == {"postgres": "cannot be reached (ConnectionError)"}
        away = False
        assert await host.readiness.missing() == {}


async def test_what_is_to_be_mended_is_shown_and_keeps_nothing_from_serving() -> None:
    broken = True

    async def check() -> None:
        if broken:
            raise NotReadyError("needs somebody")

    async with Host("test") as host:
        host.warn("ledger", check)
        transport = httpx.ASGITransport(admin_app(host.readiness))
        async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
            answer = await client.get("/ready")
            assert answer.status_code == 200
            assert answer.json() == {"ready": True, "missing": {}, "warnings": {"ledger": "needs somebody"}}
            broken = False
            assert (await client.get("/ready")).json() == {"ready": True, "missing": {}}


async def test_name_of_a_check_is_taken_once() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    async with Host("test") as host:
        host.background("work", work)
        with pytest.raises(ValueError, match="'work'"):
            host.background("work", work)
