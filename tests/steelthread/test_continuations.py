"""Page tokens and positions through the edge: each serves the list, the filters and the tenant that it was made for."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.steelthread.edge import Edge, refusal
from tests.steelthread.platform import Platform

LISTS = {
    "/api/v1/decisions": "decisions",
    "/api/v1/users": "users",
    "/api/v1/transactions": "transactions",
    "/api/v1/totals/daily": "totals",
    "/api/v1/tasks": "tasks",
    "/api/v1/schedules": "schedules",
}
SHORT, LONG = "a", "\U0001f680" * 128


@pytest.fixture(scope="module")
async def filled(platform: Platform) -> Edge:
    """A tenant with two rows at least in every list, some of them with the longest identifiers that there are."""
    edge = await platform.new_edge()
    for name in (SHORT, LONG):
        await edge.post("/api/v1/users", {"user_id": name})
        await edge.check(user_id=name, transaction_id=name, currency="EUR" if name == SHORT else "USD")
        await edge.post("/api/v1/tasks", {"title": name[:20]})
    for name in ("first", "second"):
        await edge.post("/api/v1/schedules", {"schedule_id": name, "cron": "0 3 * * *", "kind": "report.daily"})
    await platform.ledger_caught_up()
    return edge


async def token_of(edge: Edge, path: str, **query: Any) -> str:
    return str((await edge.get(path, page_size=1, **query))["next_page_token"])


async def refused(edge: Edge, path: str, **query: Any) -> None:
    answer = await edge.send("GET", f"{path}?{httpx.QueryParams(query)}")
    assert (answer.status, refusal(answer)["reason"]) == (400, "PAGE_TOKEN_INVALID"), path


async def test_token_of_one_list_is_refused_by_every_other(filled: Edge) -> None:
    tokens = {path: await token_of(filled, path) for path in LISTS}
    assert all(tokens.values())
    for path in LISTS:
        for token in {token for other, token in tokens.items() if other != path}:
            await refused(filled, path, page_size=5, page_token=token)


@pytest.mark.parametrize("path", LISTS)
async def test_every_list_goes_on_to_its_end(filled: Edge, path: str) -> None:
    pages = await filled.pages(path, LISTS[path], page_size=1)
    (whole,) = await filled.pages(path, LISTS[path])
    assert [row for page in pages for row in page] == whole
    assert len(whole) >= 2


async def test_token_of_another_tenant_is_refused(platform: Platform, filled: Edge) -> None:
    other = await platform.new_edge()
    for path in LISTS:
        await refused(other, path, page_token=await token_of(filled, path))


async def test_token_of_other_filters_is_refused(filled: Edge) -> None:
    token = await token_of(filled, "/api/v1/transactions", start_time="2020-01-01T00:00:00Z")
    await refused(filled, "/api/v1/transactions", page_token=token)
    await refused(filled, "/api/v1/transactions", start_time="2020-01-02T00:00:00Z", page_token=token)


async def test_forged_token_is_refused(filled: Edge) -> None:
    for place in (["e3b0c44298fc1c14", "infinity"], ["e3b0c44298fc1c14", "", "", ""]):
        forged = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
        for path in LISTS:
            await refused(filled, path, page_token=forged)


async def test_equal_pages_have_equal_entity_tags(filled: Edge) -> None:
    first, second = [await filled.send("GET", "/api/v1/users?page_size=1") for _ in range(2)]
    assert first.body == second.body
    assert first.headers["etag"] == second.headers["etag"]


@asynccontextmanager
async def watching(edge: Edge, path: str, **query: str) -> AsyncIterator[httpx.Response]:
    headers = {"authorization": f"Bearer {await edge.token()}", "accept": "application/x-ndjson"}
    async with (
        httpx.AsyncClient(base_url=edge.target.base_url, headers=headers, timeout=20, trust_env=False) as client,
        client.stream("GET", path, params=query) as answer,
    ):
        yield answer


async def position_of(edge: Edge, path: str) -> str:
    async with watching(edge, path) as answer:
        return str(json.loads(await anext(answer.aiter_lines()))["result"]["position"])


async def status_of(edge: Edge, path: str, **query: str) -> int:
    async with watching(edge, path, **query) as answer:
        return answer.status_code


async def test_position_of_a_watch_serves_its_tenant_alone(platform: Platform, filled: Edge) -> None:
    path = "/api/v1/decisions:watch"
    position, other = await position_of(filled, path), await platform.new_edge()
    assert await status_of(filled, path, after=position) == 200
    # A place among the commits of the tenant is the same whatever is selected.
    assert await status_of(filled, path, after=position, outcomes="decline") == 200
    assert await status_of(other, path, after=position) == 400


async def test_positions_that_an_answer_never_held_are_refused(filled: Edge) -> None:
    plain = base64.urlsafe_b64encode(struct.pack(">qq", 740, 0)).decode().rstrip("=")
    for forged in (plain, "0", "A" * 43):
        assert await status_of(filled, "/api/v1/decisions:watch", after=forged) == 400


async def test_position_of_a_task_serves_no_other_task(filled: Edge) -> None:
    tasks = (await filled.get("/api/v1/tasks"))["tasks"]
    first, second = (f"/api/v1/tasks/{task['task_id']}:watch" for task in tasks[:2])
    position = await position_of(filled, first)
    assert await status_of(filled, second, after=position) == 400
    for forged in ("0", "99999999999999999999"):
        assert await status_of(filled, first, after=forged) == 400
