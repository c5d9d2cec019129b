"""Decisions as they are committed: over server-sent events, lines and WebSockets, through the whole platform."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from tests.steelthread.edge import Edge
from tests.steelthread.platform import Platform

WATCH = "/api/v1/decisions:watch"
SECONDS = 20.0


class Events:
    """An open stream of server-sent events, read as a browser reads it."""

    def __init__(self, lines: AsyncIterator[str], last_event_id: str = "") -> None:
        self._lines = lines
        self.last_event_id = last_event_id

    async def next(self) -> tuple[str, Any]:
        """Returns the type and the data of the next event."""
        kind, data = "message", ""
        async with asyncio.timeout(SECONDS):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last_event_id = value
                elif name == "event":
                    kind = value
                elif name == "data":
                    data += value
                elif not line and data:
                    return kind, json.loads(data)
        raise AssertionError("the stream was cut off")

    async def decision(self) -> str:
        """Returns the identifier of the next decision."""
        while True:
            kind, data = await self.next()
            assert kind == "message", data
            if data.get("decision"):
                identifier: str = data["decision"]["decision_id"]
                return identifier

    async def decisions(self, count: int) -> list[str]:
        return [await self.decision() for _ in range(count)]


@contextlib.asynccontextmanager
async def watching(
    edge: Edge, last_event_id: str = "", *, more: Mapping[str, str] | None = None, **query: str
) -> AsyncIterator[Events]:
    """Watches decisions. The stream is open, and tells of everything from now on, when the block begins."""
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {await edge.token()}", **(more or {})}
    if last_event_id:
        headers["last-event-id"] = last_event_id
    async with (
        httpx.AsyncClient(base_url=edge.target.base_url, timeout=SECONDS) as client,
        client.stream("GET", WATCH, params=query, headers=headers) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        events = Events(answer.aiter_lines(), last_event_id)
        kind, first = await events.next()
        assert (kind, first.get("decision")) == ("message", None)
        yield events


async def checked(edge: Edge, count: int, **fields: Any) -> list[str]:
    """Makes decisions one after the other and returns their identifiers."""
    return [(await edge.check(**fields))["decision_id"] for _ in range(count)]


async def test_decisions_arrive_in_the_order_of_their_commits(edge: Edge) -> None:
    async with watching(edge) as events:
        made = await checked(edge, 10)
        assert await events.decisions(10) == made


async def test_who_was_cut_off_goes_on_where_it_was_and_misses_nothing(edge: Edge) -> None:
    async with watching(edge) as events:
        made = await checked(edge, 8)
        seen = await events.decisions(5)
    made += await checked(edge, 7)
    made += [each["decision_id"] for each in await asyncio.gather(*(edge.check() for _ in range(20)))]
    async with watching(edge, events.last_event_id) as resumed:
        seen += await resumed.decisions(10)
        assert seen == made[:15]
        late = await checked(edge, 5)
        rest = await resumed.decisions(25)
    assert sorted(rest[:20]) == sorted(made[15:])
    assert rest[20:] == late


async def test_a_tenant_sees_its_own_decisions_and_no_others(platform: Platform, edge: Edge) -> None:
    stranger = await platform.new_edge()
    async with watching(edge) as events:
        await checked(stranger, 3)
        made = await checked(edge, 2)
        assert await events.decisions(2) == made


async def test_filters_choose_what_is_told(edge: Edge) -> None:
    async with watching(edge, user_id="u-7") as events:
        await checked(edge, 2)
        made = await checked(edge, 2, user_id="u-7")
        assert await events.decisions(2) == made


async def test_lines_and_arrays_tell_the_same(edge: Edge) -> None:
    headers = {"accept": "application/x-ndjson", "authorization": f"Bearer {await edge.token()}"}
    async with (
        httpx.AsyncClient(base_url=edge.target.base_url, timeout=SECONDS) as client,
        client.stream("GET", WATCH, headers=headers) as answer,
    ):
        lines = answer.aiter_lines()
        assert json.loads(await anext(lines))["result"]["position"]
        made = await checked(edge, 3)
        told = [json.loads(await anext(lines))["result"]["decision"]["decision_id"] for _ in made]
        assert told == made


async def test_a_browser_can_watch_over_a_websocket(edge: Edge) -> None:
    url = edge.target.base_url.replace("http", "ws", 1) + WATCH
    protocols = [Subprotocol("rampart.v1"), Subprotocol(f"bearer.{await edge.token()}")]
    async with connect(url, subprotocols=protocols, origin=Origin(edge.target.base_url)) as socket:
        assert json.loads(await socket.recv())["result"]["position"]
        made = await checked(edge, 3)
        told = [json.loads(await socket.recv())["result"]["decision"]["decision_id"] for _ in made]
        assert told == made


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"last-event-id": "not a place"}, 400, "VALIDATION_FAILED"),
        ({"last-event-id": "AAAA"}, 400, None),
        ({"accept": "text/html"}, 406, "NOT_ACCEPTABLE"),
        ({"authorization": "Bearer nonsense"}, 401, "TOKEN_INVALID"),
    ],
)
async def test_what_cannot_be_watched_is_refused_before_the_stream(
    edge: Edge, headers: dict[str, str], status: int, reason: str | None
) -> None:
    answer = await edge.send("GET", WATCH, headers={"accept": "text/event-stream"} | headers)
    assert answer.status == status, answer
    if reason is not None:
        assert answer.json()["reason"] == reason
