"""The generator against servers whose behaviour is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.load.closed import ClosedLoop
from tests.load.paced import PacedLoop
from tests.load.result import Result
from tests.load.workload import USERS, Target, each_user
from tests.support.listening import listening

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
BUSY = b'HTTP/1.1 503 Busy\r\ncontent-length: 23\r\n\r\n{"reason":"OVERLOADED"}'

Answer = Callable[[asyncio.StreamWriter], None]


@asynccontextmanager
async def serving(answer: Answer, delay: float = 0.0) -> AsyncIterator[tuple[str, int]]:
    """Serves one request at a time over all connections, each after `delay` seconds."""
    one_at_a_time = asyncio.Lock()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(int(head.rpartition(b"content-length: ")[2]))
                async with one_at_a_time:
                    await asyncio.sleep(delay)
                answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with listening(converse) as port:
        yield "127.0.0.1", port


def requests(address: tuple[str, int]) -> list[bytes]:
    return each_user(Target(f"http://{address[0]}:{address[1]}", "token"), seed=1)


async def closed(answer: Answer) -> Result:
    async with serving(answer) as address:
        return await ClosedLoop(address, requests(address), 4).run(0.0, 0.3)


async def test_closed_loop_counts_answers() -> None:
    result = await closed(lambda writer: writer.write(OK))
    assert result.errors == {}
    assert result.completed > 10
    assert result.per_second == pytest.approx(result.completed / result.seconds)
    assert result.completed <= result.accepted <= result.completed + 4


async def test_refusals_are_itemised_and_not_counted_as_answers() -> None:
    result = await closed(lambda writer: writer.write(BUSY))
    assert result.accepted == result.completed == 0
    assert list(result.errors) == ["503 OVERLOADED"]


async def test_lost_connections_are_itemised_and_opened_again() -> None:
    result = await closed(lambda writer: writer.close())
    assert result.errors["connection closed"] > 4
    assert result.accepted == 0


async def test_each_request_is_sent_once_when_asked_so() -> None:
    async with serving(lambda writer: writer.write(OK)) as address:
        result = await ClosedLoop(address, requests(address), 16, once=True).run(0.0, 30.0)
    assert result.accepted == USERS
    assert result.seconds < 30.0


async def test_times_of_an_open_loop_count_from_when_a_request_was_due() -> None:
    # 25 ms each, one at a time, but one is due every 10 ms: the last of 50 waits for about 750 ms.
    async with serving(lambda writer: writer.write(OK), delay=0.025) as address:
        result = await PacedLoop(address, requests(address), connections=2, rate=100).run(0.0, 0.5)
    assert result.accepted == 50
    assert result.latency_ms.p50 > 100
    assert result.lag_ms is not None
    assert result.lag_ms.p50 < 25


async def test_result_survives_the_way_between_processes() -> None:
    result = await closed(lambda writer: writer.write(OK))
    assert Result.from_json(result.to_json()) == result
