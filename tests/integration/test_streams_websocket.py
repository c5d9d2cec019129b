"""Streams over WebSockets: a real gRPC service, the real server, a real client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.typing import Subprotocol

from meshkit.errors import Kind
from tests.support.gateway import TOKEN
from tests.support.streaming import News, message, news

OK = {"code": 0, "message": "", "details": []}
RAMPART = Subprotocol("rampart.v1")


@pytest.fixture
async def site() -> AsyncIterator[News]:
    async with news() as running:
        yield running


def opening(site: News, path: str, **options: Any) -> connect:
    return connect(f"ws://{site.address}{path}", **options)


async def frames(socket: ClientConnection) -> list[Any]:
    """Reads to the end."""
    received = []
    try:
        async with asyncio.timeout(5):
            while True:
                received.append(json.loads(await socket.recv()))
    except ConnectionClosed:
        return received


async def test_each_side_of_a_conversation_speaks_when_it_likes(site: News) -> None:
    async with opening(site, "/v1/cats/chat") as socket:
        for number in (1, 2):
            await socket.send(json.dumps({"number": number}))
            answer = json.loads(await socket.recv())
            assert (answer["result"]["number"], answer["result"]["topic"]) == (str(number), "cats")
        await socket.send("")
        assert await frames(socket) == [{"status": OK}]
        assert socket.close_code == 1000


async def test_many_messages_up_are_one_answer_down(site: News) -> None:
    async with opening(site, "/v1/cats/news:upload") as socket:
        for text in ("a", "b", "c"):
            await socket.send(json.dumps({"text": text}))
        await socket.send("")
        result, status = await frames(socket)
        assert (result["result"]["number"], result["result"]["text"]) == ("3", "a b c")
        assert (status, socket.close_code) == ({"status": OK}, 1000)


async def test_a_stream_down_needs_no_message_up(site: News) -> None:
    async with opening(site, "/v1/cats/news?count=2") as socket:
        received = await frames(socket)
        assert [frame["result"]["number"] for frame in received[:-1]] == ["1", "2"]
        assert (received[-1], socket.close_code) == ({"status": OK}, 1000)


async def test_a_binding_with_a_body_takes_it_as_the_first_message(site: News) -> None:
    async with opening(site, "/v1/news:watch") as socket:
        await socket.send(json.dumps({"topic": "dogs", "count": 1}))
        first, last = await frames(socket)
        assert (first["result"]["topic"], last) == ("dogs", {"status": OK})


async def test_the_path_holds_for_every_message_and_the_query_for_the_first(site: News) -> None:
    async with opening(site, "/v1/cats/chat?language=en&text=hello") as socket:
        for request in ({"topic": "dogs"}, {"text": "x", "topic": "dogs"}, {"language": "de"}, ""):
            await socket.send(json.dumps(request) if request else "")
        received = [frame["result"] for frame in (await frames(socket))[:-1]]
    said = [(each["topic"], each["language"], each["text"]) for each in received]
    assert said == [("cats", "en", "hello"), ("cats", "", "x"), ("cats", "de", "")]


@pytest.mark.parametrize(
    ("frame", "pointer"),
    [
        ('{"number": -1}', "/number"),
        ('{"number": "x"}', "/number"),
        ('{"colour": 1}', "/colour"),
        ("{", ""),
        ("[]", ""),
        ('{"text": "a", "text": "b"}', ""),
        (b"{}", ""),
    ],
)
async def test_a_bad_message_ends_the_stream_and_says_where(site: News, frame: str | bytes, pointer: str) -> None:
    async with opening(site, "/v1/cats/chat") as socket:
        await socket.send(json.dumps({"number": 1}))
        await socket.recv()
        await socket.send(frame)
        (last,) = await frames(socket)
        assert last["status"]["code"] == Kind.INVALID_ARGUMENT
        bad = next(detail for detail in last["status"]["details"] if detail["@type"].endswith("BadRequest"))
        assert bad["field_violations"][0]["field"] == pointer
        assert socket.close_code == 4000 + Kind.INVALID_ARGUMENT
    await site.service.until(lambda service: service.running == 0)


async def test_nothing_follows_the_end(site: News) -> None:
    async def patient(requests: Any, _: Any) -> AsyncIterator[Any]:
        async for request in requests:
            yield request
        await asyncio.sleep(60)

    site.service.chat = patient
    async with opening(site, "/v1/cats/chat") as socket:
        await socket.send("")
        await socket.send("{}")
        (last,) = await frames(socket)
        assert last["status"]["code"] == Kind.INVALID_ARGUMENT


async def test_a_failure_of_the_service_is_the_last_frame_and_the_close_code(site: News) -> None:
    async def refuse(_: Any, context: Any) -> AsyncIterator[Any]:
        await context.abort(grpc.StatusCode.NOT_FOUND, "no such room")
        yield

    site.service.chat = refuse
    async with opening(site, "/v1/cats/chat") as socket:
        (last,) = await frames(socket)
        assert (last["status"]["code"], last["status"]["message"]) == (Kind.NOT_FOUND, "no such room")
        assert (socket.close_code, socket.close_reason) == (4005, "NOT_FOUND")


async def test_a_service_may_answer_before_the_client_has_finished(site: News) -> None:
    async def hasty(_: Any, __: Any) -> Any:
        return message("Item", number=0)

    site.service.upload = hasty
    async with opening(site, "/v1/cats/news:upload") as socket:
        received = await frames(socket)
        assert (received[-1], socket.close_code) == ({"status": OK}, 1000)


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_client_that_leaves_ends_the_call(site: News, how: str) -> None:
    async with opening(site, "/v1/cats/chat") as socket:
        await socket.send("{}")
        await socket.recv()
        assert site.streams.count == 1
        if how == "abort":
            socket.transport.abort()
        else:
            await socket.close()
        await site.service.until(lambda service: service.running == 0)
    async with asyncio.timeout(5):
        while site.streams.count:
            await asyncio.sleep(0.005)
    assert [task for task in asyncio.all_tasks() if "gateway/edge/streams" in repr(task.get_coro())] == []


async def test_a_service_that_reads_slowly_holds_the_client_back(site: News) -> None:
    release = asyncio.Event()

    async def slow(requests: Any, _: Any) -> AsyncIterator[Any]:
        async for request in requests:
            await release.wait()
            yield message("Item", number=request.number)

    site.service.chat = slow
    sent = 0

    async def talk(socket: ClientConnection) -> None:
        nonlocal sent
        for number in range(2_000):
            await socket.send(json.dumps({"number": number, "text": "x" * 100_000}))
            sent = number + 1
        await socket.send("")

    async with opening(site, "/v1/cats/chat") as socket:
        talking = asyncio.create_task(talk(socket))
        last = -1
        while last != sent:
            last = sent
            await asyncio.sleep(0.3)
        # 200 MB would come; what is under way is what sockets and windows hold.
        assert sent < 400
        release.set()
        async with asyncio.timeout(30):
            numbers = [json.loads(await socket.recv())["result"]["number"] for _ in range(2_000)]
        assert numbers == [str(number) for number in range(2_000)]
        await talking


async def test_a_message_that_is_too_large_ends_the_connection() -> None:
    async with news(max_message=1000) as site, opening(site, "/v1/cats/chat") as socket:
        await socket.send(json.dumps({"text": "x" * 2000}))
        with pytest.raises(ConnectionClosedError):
            await asyncio.wait_for(socket.recv(), 5)
        assert socket.close_code == 1009
        await site.service.until(lambda service: service.running == 0)


async def test_raw_bodies_are_binary_frames(site: News) -> None:
    async def parts(_: Any, __: Any) -> AsyncIterator[Any]:
        yield message("google.api.HttpBody", content_type="text/csv", data=b"a,b\n")

    site.service.watch = parts
    async with opening(site, "/v1/cats/file") as socket:
        assert await socket.recv() == b"a,b\n"
        assert await frames(socket) == [{"status": OK}]


async def test_a_token_comes_as_a_header_or_from_browsers_as_a_subprotocol(site: News) -> None:
    path = "/v1/cats/secrets?count=1"
    header = {"additional_headers": {"authorization": f"Bearer {TOKEN}"}}
    protocols = {"subprotocols": [RAMPART, Subprotocol(f"bearer.{TOKEN}")]}
    for options in (header, protocols):
        async with opening(site, path, **options) as socket:
            assert (await frames(socket))[-1] == {"status": OK}
            assert socket.subprotocol == (RAMPART if "subprotocols" in options else None)
    assert [metadata["authorization"] for metadata in site.service.metadata] == [f"Bearer {TOKEN}"] * 2


@pytest.mark.parametrize(
    ("path", "options", "status", "reason"),
    [
        ("/v1/cats/secrets", {}, 401, "TOKEN_MISSING"),
        ("/v1/cats/secrets", {"subprotocols": [RAMPART, "bearer.wrong"]}, 401, "TOKEN_INVALID"),
        ("/v1/cats/secrets?token=good-token", {}, 401, "TOKEN_MISSING"),
        ("/v1/cats/chat", {"subprotocols": ["other.v1"]}, 400, "MALFORMED_REQUEST"),
        ("/v1/cats/chat?colour=red", {}, 400, "MALFORMED_REQUEST"),
        ("/v1/cats/news?count=x", {}, 400, "MALFORMED_REQUEST"),
        ("/v1/cats/item", {}, 400, "MALFORMED_REQUEST"),
        ("/v1/nothing", {}, 404, "ROUTE_NOT_FOUND"),
        ("/docs", {}, 404, "ROUTE_NOT_FOUND"),
        ("/v1/cats/chat", {"origin": "https://evil.example"}, 403, "CALLER_NOT_ALLOWED"),
    ],
)
async def test_what_is_wrong_with_the_opening_is_an_http_error(
    site: News, path: str, options: dict[str, Any], status: int, reason: str
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with opening(site, path, **options):
            pass
    answer = caught.value.response
    assert (answer.status_code, json.loads(answer.body or b"")["reason"]) == (status, reason)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"]
    assert site.service.running == len(site.service.metadata) == 0


async def test_an_unexpected_failure_of_the_opening_is_a_problem_document(
    site: News, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: str) -> Any:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(site.verifier, "verify", broken)
    with pytest.raises(InvalidStatus) as caught:
        async with opening(site, "/v1/cats/secrets", subprotocols=[RAMPART, Subprotocol(f"bearer.{TOKEN}")]):
            pass
    answer = caught.value.response
    assert (answer.status_code, json.loads(answer.body or b"")["reason"]) == (500, "INTERNAL")
    assert b"hunter2" not in (answer.body or b"")


async def test_pages_of_the_same_host_and_of_listed_origins_may_call() -> None:
    async with news(origins=("https://friend.example",)) as site:
        for origin in ("https://friend.example", f"http://{site.address}"):
            async with opening(site, "/v1/cats/news?count=0", origin=origin) as socket:
                assert await frames(socket) == [{"status": OK}]


async def test_open_streams_are_bounded_whatever_carries_them() -> None:
    async with news(limit=1) as site, opening(site, "/v1/cats/chat") as socket:
        await socket.send("{}")
        await socket.recv()
        async with httpx.AsyncClient(base_url=site.url) as client:
            assert (await client.get("/v1/cats/news")).status_code == 503
        with pytest.raises(InvalidStatus) as caught:
            async with opening(site, "/v1/cats/chat"):
                pass
        assert caught.value.response.status_code == 503
        assert caught.value.response.headers["retry-after"]


async def test_the_deadline_of_the_policy_ends_a_conversation(site: News) -> None:
    async def endless(_: Any, __: Any) -> AsyncIterator[Any]:
        await asyncio.sleep(60)
        yield

    site.service.watch = endless
    async with opening(site, "/v1/cats/brief") as socket:
        (last,) = await frames(socket)
        assert last["status"]["code"] == Kind.DEADLINE_EXCEEDED
        assert socket.close_code == 4004


async def test_a_stopping_gateway_ends_conversations_with_a_status(site: News) -> None:
    async with opening(site, "/v1/cats/chat") as socket:
        await socket.send("{}")
        await socket.recv()
        site.stop.set()
        (last,) = await frames(socket)
        assert (last["status"]["code"], socket.close_code) == (Kind.UNAVAILABLE, 4014)
        async with asyncio.timeout(3):
            await site.server


async def test_an_opening_that_is_no_opening_is_a_problem_document(site: News) -> None:
    headers = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    async with httpx.AsyncClient(base_url=site.url) as client:
        answer = await client.get("/v1/cats/chat", headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (400, "MALFORMED_REQUEST")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_each_connection_has_one_access_line(site: News) -> None:
    async with opening(site, "/v1/cats/news?count=1", additional_headers={"x-request-id": "r-3"}) as socket:
        await frames(socket)
    await asyncio.sleep(0.02)
    site.telemetry.flush()
    (line,) = [json.loads(each) for each in site.lines.getvalue().splitlines()]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/{topic}/news", 101)
    assert line["request_id"] == "r-3"
