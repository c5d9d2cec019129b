"""The admin port: one round of checks for all that ask, and connections within limits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from meshkit.telemetry import admin, admin_connection
from meshkit.telemetry.admin import NotReadyError, Readiness, admin_app, serve_admin
from tests.support.processes import free_port

GET = b"GET /%b HTTP/1.1\r\nhost: x\r\n\r\n"


class Check:
    def __init__(self) -> None:
        self.calls = 0
        self.missing = ""
        self.seconds = 0.0

    async def __call__(self) -> None:
        self.calls += 1
        await asyncio.sleep(self.seconds)
        if self.missing:
            raise NotReadyError(self.missing)


@pytest.fixture
def check() -> Check:
    return Check()


@pytest.fixture
async def port(check: Check) -> AsyncIterator[int]:
    found = free_port()
    async with serve_admin(f"127.0.0.1:{found}", admin_app(Readiness({"store": check}))):
        yield found


async def raw(port: int, *parts: bytes, half_close: bool = False) -> tuple[int, bytes, bytes]:
    """Sends bytes and returns status, head and body of the first answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0)
        if half_close:
            writer.write_eof()
        async with asyncio.timeout(5):
            head, _, body = (await reader.read(65536)).partition(b"\r\n\r\n")
            return int(head.split(b" ")[1]), head, body
    finally:
        writer.close()


async def test_all_that_ask_within_a_second_are_answered_by_one_round(check: Check) -> None:
    readiness = Readiness({"store": check})
    check.seconds = 0.01
    assert await asyncio.gather(*[readiness.recent() for _ in range(50)]) == [{}] * 50
    assert await readiness.recent() == {}
    assert check.calls == 1


async def test_answer_of_the_admin_port_is_never_old(check: Check) -> None:
    readiness = Readiness({"store": check})
    assert await asyncio.gather(*[readiness.shared() for _ in range(50)]) == [{}] * 50
    assert check.calls == 1
    check.missing = "is on holiday"
    assert await readiness.recent() == {}
    assert await readiness.shared() == {"store": "is on holiday"}


async def test_answer_is_asked_for_again_when_it_is_old(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "READY_SECONDS", 0.0)
    monkeypatch.setattr(admin, "MISSING_SECONDS", 0.0)
    readiness = Readiness({"store": check})
    assert await readiness.recent() == {}
    check.missing = "is on holiday"
    assert await readiness.recent() == {"store": "is on holiday"}
    check.missing = ""
    assert await readiness.recent() == {}


async def test_process_that_stops_says_so_at_once(check: Check) -> None:
    readiness = Readiness({"store": check})
    assert await readiness.recent() == {}
    readiness.draining = True
    assert await readiness.recent() == {"process": "is shutting down"}


async def test_caller_that_gives_up_does_not_end_the_round_of_the_others(check: Check) -> None:
    readiness = Readiness({"store": check})
    check.seconds = 0.05
    first, second = asyncio.create_task(readiness.recent()), asyncio.create_task(readiness.recent())
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second == {}


async def test_half_closed_caller_gets_its_answer(port: int, check: Check) -> None:
    check.seconds = 0.1
    status, head, body = await raw(port, GET % b"ready", half_close=True)
    assert (status, json.loads(body)) == (200, {"ready": True, "missing": {}})
    assert b"x-content-type-options: nosniff" in head


async def test_what_is_no_http_or_no_path_is_a_problem(port: int) -> None:
    for request, expected in (
        (b"nonsense\r\n\r\n", 400),
        (GET % b"nothing", 404),
        (b"POST" + GET[3:] % b"health", 405),
    ):
        status, head, body = await raw(port, request)
        assert (status, json.loads(body)["status"]) == (expected, expected)
        assert b"application/problem+json" in head
        assert b"x-content-type-options: nosniff" in head


async def test_request_is_bounded_in_size_and_time(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, _ = await raw(port, GET[:20] + b"x: ", *[b"y" * 9_000] * 8)
    assert status == 431
    monkeypatch.setattr(admin_connection, "REQUEST_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /")
    async with asyncio.timeout(5):
        with pytest.raises(ConnectionError):
            assert await reader.read() == b""
            raise ConnectionError
    writer.close()


async def test_connections_are_bounded(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_connection, "CONNECTIONS", 1)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.sleep(0.05)
    status, _, _ = await raw(port, GET % b"health")
    assert status == 503
    writer.close()
