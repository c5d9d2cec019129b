"""The users of the article's load test against a server that counts, and against the twin."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from console.http import HttpClient, Response
from console.up.state import State
from tests.load.frame import remove_outside
from tests.load.histogram import Histogram
from tests.load.result import Result
from tests.load.tasks.platforms import Twin
from tests.load.users import CREATE, LIST, Users, try_tasks
from tests.load.workload import TASKS_PATH, Target, new_task

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Counting(asyncio.Protocol):
    """Answers requests and notes the method of each, and when each connection sent its first."""

    seen: list[bytes]
    first_seen: dict[int, float]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.seen.append(data.split(b" ", 1)[0])
        self.first_seen.setdefault(id(self), time.monotonic())
        self._transport.write(OK)


@contextlib.asynccontextmanager
async def counting() -> AsyncIterator[tuple[Target, type[Counting]]]:
    kind = type("Counter", (Counting,), {"seen": [], "first_seen": {}})
    server = await asyncio.get_running_loop().create_server(kind, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield Target(f"http://127.0.0.1:{port}", "token", TASKS_PATH), kind
    finally:
        server.close()


async def test_users_list_three_times_for_each_task_that_they_create() -> None:
    async with counting() as (target, server):
        result = await Users(target, 16, think=(0.0, 0.0)).run(0.0, 0.5)
    creates = server.seen.count(b"POST")
    assert result.errors == {}
    assert creates / len(server.seen) == pytest.approx(0.25, abs=0.05)
    assert result.accepted == len(server.seen)
    assert result.stores == creates
    assert set(result.by_label) == {LIST, CREATE}


async def test_users_think_between_an_answer_and_their_next_request() -> None:
    async with counting() as (target, server):
        result = await Users(target, 50, think=(0.1, 0.5)).run(0.0, 1.5)
    assert len(server.first_seen) == 50
    assert 50 * 2 <= len(server.seen) <= 50 * 8, "one request in 0.3 s in the mean"
    assert result.latency_ms.p99 < 100, "thought is no latency"


async def test_users_come_one_after_the_other() -> None:
    async with counting() as (target, server):
        await Users(target, 20, think=(0.0, 0.0001), ramp=0.5).run(0.0, 0.1)
    times = sorted(server.first_seen.values())
    assert len(times) == 20
    assert times[-1] - times[0] == pytest.approx(0.475, abs=0.2)


def test_histogram_is_exact_to_a_thousandth() -> None:
    histogram = Histogram()
    for number in range(1, 100_001):
        histogram.add(number / 10_000)  # up to 10 s
    for share in (0.01, 0.5, 0.95, 0.99):
        assert histogram.quantile(share) == pytest.approx(10 * share, rel=0.001)
    assert histogram.quantile(1.0) == 10.0


def test_histogram_of_nothing_has_no_quantile() -> None:
    assert str(Histogram().quantile(0.5)) == "nan"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder with a path short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="rampart-twin-"))
    yield folder / "state"
    remove_outside(State(folder / "state"))
    shutil.rmtree(folder)


async def test_twin_answers_the_load_and_stores_each_task(home: Path) -> None:
    twin = Twin("twin", home, workers=1)
    try:
        await twin.start()
        target = await twin.target()
        await try_tasks(target)
        assert await twin.stored() == 1
        result = await Users(target, 8, think=(0.0, 0.0)).run(0.0, 0.5)
        assert_no_errors(result)
        assert await twin.stored() == 1 + result.stores
        await assert_lists_show_what_was_created(target)
    finally:
        await twin.stop()


def assert_no_errors(result: Result) -> None:
    assert result.errors == {}
    assert result.accepted > 8


async def assert_lists_show_what_was_created(target: Target) -> None:
    created = (await call(target, "POST", target.path, new_task())).json()
    assert (created["title"], created["priority"], created["kind"]) == ("Test task", "high", "manual")
    page = (await call(target, "GET", f"{target.path}?page_size=2")).json()
    assert page["tasks"][0]["task_id"] == created["task_id"]
    rest = (await call(target, "GET", f"{target.path}?page_size=2&page_token={page['next_page_token']}")).json()
    assert len({task["task_id"] for task in page["tasks"] + rest["tasks"]}) == 4
    assert (await call(Target(target.base_url, "wrong"), "GET", target.path)).status == 401


async def call(target: Target, method: str, path: str, body: bytes = b"") -> Response:
    headers = [("authorization", f"Bearer {target.token}"), ("content-type", "application/json")]
    with contextlib.closing(HttpClient(target.base_url, connections=1)) as client:
        return await client.request(method, path, headers=headers, body=body)
