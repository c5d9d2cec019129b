"""Connections as no client library makes them: through the edge to the database, and without a trace of our insides."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from console.http import HttpClient
from meshkit.topology import load
from tests.steelthread.edge import CHECK, Edge, a_check
from tests.steelthread.platform import Platform

SECONDS = 15
PLANNED = b"\x16\x03\x01\x00\xa5" + b"x" * 200


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, port = address.rsplit("/", 1)[-1].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(SECONDS):
            yield reader, writer
    finally:
        writer.close()


async def head(edge: Edge, line: str, *more: str) -> bytes:
    lines = [f"{line} HTTP/1.1", "Host: edge", f"Authorization: Bearer {await edge.token()}", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def test_caller_that_sends_no_more_gets_the_decision_that_is_stored(edge: Edge) -> None:
    body = json.dumps(a_check(user_id="half")).encode()
    # What stands around a value is no part of it, and no reason to refuse the request.
    sent = await head(edge, f"POST {CHECK}", "Content-Type: application/json", f"Content-Length: {len(body)} \t")
    async with connected(edge.target.base_url) as (reader, writer):
        writer.write(sent + body)
        writer.write_eof()
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 ")
    decision = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (await edge.get(f"/api/v1/decisions/{decision['decision_id']}"))["outcome"] == decision["outcome"]
    assert len((await edge.get("/api/v1/decisions", user_id="half"))["decisions"]) == 1


async def test_body_that_breaks_off_is_refused_and_nothing_is_stored(edge: Edge) -> None:
    body = json.dumps(a_check(user_id="half")).encode()
    sent = await head(edge, f"POST {CHECK}", "Content-Type: application/json", f"Content-Length: {len(body)}")
    async with connected(edge.target.base_url) as (reader, writer):
        writer.write(sent + body[:-1])
        writer.write_eof()
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"breaks off" in answer
    assert (await edge.get("/api/v1/decisions", user_id="half"))["decisions"] == []


@pytest.mark.parametrize(
    "more",
    [
        ("Accept: text/event-stream",),
        ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    ],
    ids=["events", "websocket"],
)  # fmt: skip
async def test_caller_that_sends_no_more_goes_on_watching(edge: Edge, more: tuple[str, ...]) -> None:
    async with connected(edge.target.base_url) as (reader, writer):
        writer.write(await head(edge, "GET /api/v1/decisions:watch", *more))
        writer.write_eof()
        await reader.readuntil(b"\r\n\r\n")
        decided = (await edge.check())["decision_id"].encode()
        seen = b""
        while decided not in seen:
            part = await reader.read(65536)
            assert part, seen
            seen += part


async def test_caller_that_has_left_gives_its_place_among_the_streams_back(platform: Platform, edge: Edge) -> None:
    scrape = HttpClient(f"http://{platform.dev['admin']['gateway']}", connections=1)

    async def streams() -> float:
        metrics = (await scrape.request("GET", "/metrics")).body.decode()
        found = re.search(r'^streams_open\{framing="sse"\} (\S+)', metrics, re.MULTILINE)
        return float(found[1]) if found else 0.0

    before = await streams()
    for _ in range(3):
        async with connected(edge.target.base_url) as (reader, writer):
            writer.write(await head(edge, "GET /api/v1/decisions:watch", "Accept: text/event-stream"))
            await reader.readuntil(b"\r\n\r\n")
    async with asyncio.timeout(SECONDS):
        while await streams() > before:
            await asyncio.sleep(0.1)
    scrape.close()


async def test_log_lines_are_json_whatever_comes_over_a_connection(platform: Platform, edge: Edge) -> None:
    opening = await head(
        edge, "GET /api/v1/decisions:watch", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Content-Length: 9",
    )  # fmt: skip
    addresses = [edge.target.base_url, *platform.dev["grpc"].values(), *platform.dev["admin"].values()]
    for sent in (b"\0\0\0", PLANNED, b"GET / HTTP/1.1\r\n\r\n", opening):
        for address in addresses:
            async with connected(address) as (reader, writer):
                writer.write(sent)
                writer.write_eof()
                with contextlib.suppress(ConnectionError):
                    await reader.read()
    for name in load().process_names:
        lines = (platform.home / "logs" / f"{name}.log").read_text().splitlines()
        assert [line for line in lines if not isinstance(json.loads(line), dict)] == []
    told = [line for line in platform.log("fraud") if line["logger"] == "stderr"]
    assert any("andshake" in line["message"] for line in told), "what the core of gRPC says is not lost"
