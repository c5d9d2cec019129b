"""Openings of WebSockets and open ones keep the place that their connection took, and are swept like all others."""

from __future__ import annotations

import asyncio

import pytest
from websockets import http11
from websockets.frames import Frame, Opcode

from gateway.server.limits import Limits
from tests.support.http_server import TICK, EchoServer, served, split_answers

OPENING = (
    b"GET /%b HTTP/1.1\r\nhost: x\r\nconnection: keep-alive,\tUpgrade\r\nupgrade: WebSocket\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
LIMITS = Limits(connections=2, stuck_seconds=3)


def text(words: bytes) -> bytes:
    return Frame(Opcode.TEXT, words).serialize(mask=True)


@pytest.mark.parametrize(
    "more",
    [
        b"content-length: 5\r\n\r\nabcde",
        b"content-length: 5\r\n\r\n",
        b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        b"transfer-encoding: chunked\t\r\n\r\n",
    ],
)
@served(LIMITS)
async def test_opening_with_a_body_is_refused_at_once(server: EchoServer, more: bytes) -> None:
    (answer,) = await server.ask(OPENING % b"echo" + more)
    assert (answer.status, answer.json["reason"], answer.header("connection")) == (400, "MALFORMED_REQUEST", "close")
    (answer,) = await server.ask((OPENING % b"echo").replace(b"GET", b"POST") + b"\r\n")
    assert answer.status == 400
    assert server.seen == []


@served(LIMITS)
async def test_opening_that_is_not_valid_is_a_problem_with_a_request_id(server: EchoServer) -> None:
    (answer,) = await server.ask(OPENING.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short") % b"echo" + b"\r\n")
    assert (answer.status, answer.json["reason"]) == (400, "MALFORMED_REQUEST")
    assert answer.header("x-request-id") == answer.json["request_id"] != ""
    assert answer.header("x-content-type-options") == "nosniff"


@pytest.mark.parametrize(
    ("path", "more"),
    [
        (b"echo", b"content-length: 00\r\n"),
        (b"echo", b"x-a: " + b"a" * 9_000 + b"\r\n"),
        (b"echo?" + b"a" * 8_180, b""),
    ],
)
@served(LIMITS)
async def test_opening_that_keeps_to_our_limits_keeps_to_those_of_the_library(
    server: EchoServer, path: bytes, more: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(OPENING % path + more + b"\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    writer.close()


@served(LIMITS)
async def test_opening_that_the_library_cannot_read_is_refused_at_once(server: EchoServer) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http11, "MAX_LINE_LENGTH", 64)
        (answer,) = await server.ask(OPENING % (b"e" * 64) + b"\r\n")
    assert (answer.status, answer.json["reason"], answer.header("connection")) == (400, "MALFORMED_REQUEST", "close")


@served(LIMITS)
async def test_application_that_fails_is_a_500(server: EchoServer) -> None:
    (answer,) = await server.ask(OPENING % b"fail" + b"x-request-id: mine\r\n\r\n")
    assert (answer.status, answer.json["reason"], answer.json["request_id"]) == (500, "INTERNAL", "mine")


@served(LIMITS)
async def test_opening_and_open_connection_count_and_are_ended_by_the_stop(server: EchoServer) -> None:
    held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
    for (_, writer), path in zip(held, (b"echo", b"gate"), strict=True):
        writer.write(OPENING % path + b"\r\n")
    assert (await held[0][0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    await asyncio.sleep(2 * TICK)
    assert len(server.watch.connections) == 2
    (answer,) = await server.ask(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.status == 503
    for connection in list(server.state.connections):
        connection.shutdown()
    assert await held[0][0].read(2) == b"\x88\x02", "a close frame"
    (answer,) = split_answers(await held[1][0].read())
    assert (answer.status, answer.json["reason"]) == (503, "OVERLOADED")
    for _, writer in held:
        writer.close()


@served(LIMITS)
async def test_opening_that_nobody_answers_is_cut_off_and_leaves_its_place(server: EchoServer) -> None:
    assert await server.raw(OPENING % b"gate" + b"\r\n") == b""
    await asyncio.sleep(TICK)
    assert not server.watch.connections


@served(LIMITS)
async def test_messages_right_behind_the_opening_are_not_lost(server: EchoServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(OPENING % b"echo" + b"\r\n" + text(b"early"))
    await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(7) == b"\x81\x05early"
    writer.close()


@served(LIMITS)
async def test_half_closed_caller_gets_what_is_due(server: EchoServer) -> None:
    waiting = asyncio.create_task(server.raw(OPENING % b"slow-echo" + b"\r\n" + text(b"early"), half_close=True))
    await asyncio.sleep(5 * TICK)
    server.gate.set()
    data = await waiting
    assert data.startswith(b"HTTP/1.1 101")
    assert b"\x81\x05early" in data
    assert b"\x88\x02\x03\xe8" in data, "a close frame that says 1000"


@served(LIMITS)
async def test_caller_that_leaves_without_a_close_is_noticed(server: EchoServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(OPENING % b"slow-echo" + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    writer.close()
    async with asyncio.timeout(5):
        while server.watch.connections:
            await asyncio.sleep(TICK)


@served(LIMITS)
async def test_open_connection_is_not_swept_for_its_age(server: EchoServer) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(OPENING % b"echo" + b"\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(8 * TICK)
    writer.write(text(b"still"))
    assert await reader.readexactly(7) == b"\x81\x05still"
    writer.close()
