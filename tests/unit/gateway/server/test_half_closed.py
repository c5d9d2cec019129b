"""A caller that sends no more can still read: the end of reading is not the end of the caller (RFC 9112, 9.6)."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.http_server import TICK, EchoServer, served, split_answers

POST = b"POST /%b HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
CHUNKED = b"POST /p HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


@served()
async def test_answer_comes_though_it_takes_long_and_is_the_last(server: EchoServer) -> None:
    waiting = asyncio.create_task(server.ask(POST % b"gate", half_close=True))
    await asyncio.sleep(5 * TICK)
    server.gate.set()
    (answer,) = await waiting
    assert (answer.status, answer.json["body"], answer.header("connection")) == (200, "{}", "close")
    assert "gone" not in server.seen


@served()
async def test_all_pipelined_requests_have_their_answers(server: EchoServer) -> None:
    waiting = asyncio.create_task(server.ask(POST % b"gate", POST % b"2", POST % b"3", half_close=True))
    await asyncio.sleep(2 * TICK)
    server.gate.set()
    answers = await waiting
    assert [answer.json["path"] for answer in answers] == ["/gate", "/2", "/3"]


@served()
async def test_body_that_was_too_large_to_be_read_at_once_is_read_to_its_end(server: EchoServer) -> None:
    head = b"POST /gate HTTP/1.1\r\nhost: x\r\ncontent-length: 300000\r\n\r\n"
    waiting = asyncio.create_task(server.ask(head + b"x" * 300_000, half_close=True))
    await asyncio.sleep(2 * TICK)
    server.gate.set()
    (answer,) = await waiting
    assert len(answer.json["body"]) == 300_000


@served()
async def test_stream_goes_on(server: EchoServer) -> None:
    waiting = asyncio.create_task(server.ask(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n", half_close=True))
    await asyncio.sleep(5 * TICK)
    server.gate.set()
    (answer,) = await waiting
    assert answer.body == b"beginprobeend"


@served()
async def test_caller_that_has_left_is_noticed_by_what_is_written_to_it(server: EchoServer) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n")
    await asyncio.sleep(2 * TICK)
    writer.close()
    async with asyncio.timeout(5):
        while "gone" not in server.seen or server.watch.connections:
            await asyncio.sleep(TICK)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nhost",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n{}",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n",
        CHUNKED,
        CHUNKED + b"2\r\n{}\r\n",
        CHUNKED + b"2\r\n{}\r\n0\r\n",
    ],
)
@served()
async def test_request_that_breaks_off_is_told_so_in_its_turn(server: EchoServer, request_bytes: bytes) -> None:
    *_, answer = await server.ask(request_bytes, half_close=True)
    assert (answer.status, answer.json["reason"]) == (400, "MALFORMED_REQUEST")
    assert "breaks off" in answer.json["detail"]
    waiting = asyncio.create_task(server.ask(POST % b"gate", request_bytes, half_close=True))
    await asyncio.sleep(2 * TICK)
    server.gate.set()
    assert [answer.status for answer in await waiting if answer.status != 100] == [200, 400]
    assert "/" not in server.seen or "gone" in server.seen


@served()
async def test_answer_under_way_ends_well_though_the_body_breaks_off(server: EchoServer) -> None:
    early = b"POST /early HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{}"
    (answer,) = await server.ask(early, half_close=True)
    assert answer.body == b"refused"


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"])
@served()
async def test_connection_on_which_nothing_is_due_is_closed_at_once(server: EchoServer, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    await asyncio.sleep(2 * TICK)
    writer.write_eof()
    assert [answer.status for answer in split_answers(await reader.read())] == ([200] if sent.strip() else [])
    await asyncio.sleep(TICK)
    assert not server.watch.connections
    writer.close()
