"""What a caller may not take: memory, time, places. The clock of these servers runs fifty times as fast."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import replace

import pytest

from gateway.server import places as places_module
from gateway.server.limits import Limits
from gateway.server.places import Places, each_address
from tests.support.http_server import TICK, Answer, EchoServer, running_server, split_answers

CLOSE = b"connection: close\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
LIMITS = Limits(target_bytes=100, head_bytes=1000, fields=10, head_seconds=3, idle_seconds=6, stuck_seconds=3)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ((b"GET /%b HTTP/1.1\r\nhost: x\r\n" % (b"a" * 99), CLOSE), 200),
        ((b"GET /%b HTTP/1.1\r\nhost: x\r\n" % (b"a" * 100), CLOSE), 414),
        ((b"GET /", b"a" * 900, b"a" * 900), 414),
        ((GET, *[b"a: b\r\n"] * 8, CLOSE), 200),
        ((GET, *[b"a: b\r\n"] * 9, CLOSE), 431),
        ((GET + b"a: " + b"b" * 700 + b"\r\n" + CLOSE,), 200),
        ((GET + b"a: " + b"b" * 1000 + b"\r\n" + CLOSE,), 431),
        ((GET, b"a: ", b"b" * 600, b"b" * 600), 431),
        ((GET, b"a" * 600, b"a" * 600), 431),
        (
            (b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"a: " + b"b" * 900, b"b" * 900),
            431,
        ),
        ((b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1;", b"b" * 900, b"b" * 900), 431),
        ((b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9000\r\n" + CLOSE, *[b"x" * 900] * 10), 200),
    ],
)
async def test_heads_are_bounded_whether_they_come_whole_or_in_parts(parts: tuple[bytes, ...], status: int) -> None:
    async with running_server(replace(LIMITS, head_seconds=500)) as server:
        (answer,) = await server.ask(*parts, wait=0.01)
    assert answer.status == status
    reasons = {414: "URI_TOO_LONG", 431: "HEADERS_TOO_LARGE"}
    assert status == 200 or answer.json["reason"] == reasons[status]
    assert answer.header("connection") == "close"


async def test_head_behind_a_large_body_counts_from_its_own_start() -> None:
    async with running_server(LIMITS) as server:
        first = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n" + b"x" * 5000
        answers = await server.ask(first + GET[:10], GET[10:] + CLOSE, wait=0.02)
    assert [answer.status for answer in answers] == [200, 200]


async def test_head_behind_pipelined_requests_counts_from_its_own_start() -> None:
    async with running_server(LIMITS) as server:
        many = (GET + b"a: " + b"b" * 300 + b"\r\n\r\n") * 5
        answers = await server.ask(many + GET[:10], GET[10:] + CLOSE, wait=0.02)
    assert [answer.status for answer in answers] == [200] * 6


async def test_slow_head_is_told_so_and_cut_off() -> None:
    async with running_server(LIMITS) as server:
        drip = [bytes([each]) for each in GET + b"x-slow: " + b"a" * 100]
        (answer,) = await _while_sending(server, drip)
    assert (answer.status, answer.json["reason"]) == (408, "REQUEST_TIMEOUT")


async def test_slow_head_behind_another_request_is_cut_off_too() -> None:
    async with running_server(LIMITS) as server:
        answers = await server.ask(GET + b"\r\n" + GET)
    assert [answer.status for answer in answers] == [200, 408]


@pytest.mark.parametrize(("sent", "ticks"), [(b"", 3), (GET + b"\r\n", 6)])
async def test_idle_connection_is_closed_without_a_word(sent: bytes, ticks: int) -> None:
    async with running_server(LIMITS) as server:
        started = asyncio.get_running_loop().time()
        answers = await server.ask(sent)
        assert asyncio.get_running_loop().time() - started >= ticks * TICK
    assert [answer.status for answer in answers] == ([200] if sent else [])


async def test_request_under_way_is_not_idle() -> None:
    async with running_server(LIMITS) as server:
        waiting = asyncio.create_task(server.ask(b"GET /gate HTTP/1.1\r\nhost: x\r\n" + CLOSE))
        await asyncio.sleep(20 * TICK)
        server.gate.set()
        (answer,) = await waiting
    assert answer.status == 200


async def test_caller_that_takes_nothing_of_its_answer_is_cut_off() -> None:
    async with running_server(LIMITS) as server:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        with connection:
            await loop.sock_connect(connection, ("127.0.0.1", server.port))
            await loop.sock_sendall(connection, b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n")
            async with asyncio.timeout(5):
                while server.watch.connections or not server.seen or server.state.tasks:
                    await asyncio.sleep(TICK)


async def test_one_connection_too_many_is_told_to_come_back() -> None:
    async with running_server(Limits(connections=2)) as server:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
        await asyncio.sleep(0.02)
        (answer,) = await server.ask(GET + CLOSE)
        assert (answer.status, answer.json["reason"], answer.header("retry-after")) == (503, "OVERLOADED", "1")
        for _, writer in held:
            writer.close()
        await asyncio.sleep(0.05)
        (answer,) = await server.ask(GET + CLOSE)
        assert answer.status == 200


@pytest.mark.parametrize(("own", "of_an_address"), [(2, 9), (9, 2)])
async def test_one_address_holds_no_more_than_its_part(own: int, of_an_address: int) -> None:
    limits = Limits(of_this_machine=own, of_an_address=of_an_address)
    places = Places(limits, each_address)
    host, other = ("127.0.0.1", "127.0.0.2") if own == 2 else ("2001:db8::1", "2001:db8:0:1::1")
    held = [places.take(host), places.take(host)]
    assert [place.error for place in held] == [None, None]
    refused = places.take("2001:db8::ffff" if own == 9 else host)
    assert refused.error is not None
    assert "address" in refused.error.message
    assert places.take(other).error is None
    for place in (refused, held[0]):
        places.give_back(place)
    assert places.take(host).error is None


async def test_addresses_that_are_not_counted_hold_all() -> None:
    places = Places(Limits(connections=3, of_this_machine=1), lambda _: "")
    assert [places.take("127.0.0.1").error is None for _ in range(4)] == [True, True, True, False]


async def test_address_at_its_limit_is_refused_and_others_are_served() -> None:
    async with running_server(Limits(of_this_machine=2)) as server:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
        await asyncio.sleep(0.02)
        (answer,) = await server.ask(GET + CLOSE)
        assert (answer.status, answer.json["reason"], answer.header("retry-after")) == (503, "OVERLOADED", "1")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=("127.0.0.2", 0))
        writer.write(GET + CLOSE)
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        for each in (writer, *(writer for _, writer in held)):
            each.close()


async def test_crowd_beyond_a_limit_is_cut_off_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places_module, "MOST_TOLD", 1)
    async with running_server(Limits(of_this_machine=1)) as server:
        reading = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
        await asyncio.sleep(0.02)
        assert len(server.watch.connections) <= 2
        assert b"503" in await reading[1][0].read(20)
        with contextlib.suppress(ConnectionError):
            assert await reading[2][0].read() == b""
        for _, writer in reading:
            writer.close()


async def test_caller_that_takes_not_even_the_end_of_its_answer_is_cut_off() -> None:
    async with running_server(LIMITS) as server:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        with connection:
            await loop.sock_connect(connection, ("127.0.0.1", server.port))
            await loop.sock_sendall(connection, b"GET /large HTTP/1.1\r\nhost: x\r\n" + CLOSE)
            async with asyncio.timeout(5):
                while server.watch.connections or not server.seen:
                    await asyncio.sleep(TICK)


async def test_refused_sender_reads_why_although_it_goes_on_sending() -> None:
    async with running_server(LIMITS) as server:
        (answer,) = await server.ask(b"nonsense\r\n" * 100, b"x" * 2_000_000, wait=0.01)
    assert answer.status == 400


async def test_refused_sender_that_never_closes_is_cut_off() -> None:
    async with running_server(LIMITS) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"nonsense\r\n\r\n")
        async with asyncio.timeout(5):
            assert (await reader.read()).startswith(b"HTTP/1.1 400")
            while server.watch.connections:
                await asyncio.sleep(TICK)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _while_sending(server: EchoServer, drip: list[bytes]) -> list[Answer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    answer = asyncio.create_task(reader.read())
    for part in drip:
        if answer.done():
            break
        writer.write(part)
        await asyncio.sleep(TICK / 2)
    writer.close()
    return split_answers(await answer)
