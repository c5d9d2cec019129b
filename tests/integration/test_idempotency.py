"""Requests with a key through gateways that die, with a real service behind them and a real Valkey beside them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from redis.asyncio import Redis

from gateway.calls.idempotency.redis_store import PREFIX
from meshkit.topology import load
from tests.support.calls import Credentials, new_client
from tests.support.certificates import Certificates
from tests.support.processes import Node, Process, free_port
from tests.support.relay import Relay, relayed
from tests.support.servers import Database

USERS = "/api/v1/users"
START_SECONDS = 30.0


@pytest.fixture
async def client(auth: Node, certificates: Certificates) -> Credentials:
    return await new_client(auth, certificates, f"t-{secrets.token_hex(6)}")


class Gateway:
    """A gateway process and a client of it."""

    def __init__(self, process: Process, url: str, token: str) -> None:
        self.process = process
        self._http = httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=10)

    async def create(self, key: str, user: dict[str, Any]) -> httpx.Response:
        return await self._http.post(USERS, json=user, headers={"idempotency-key": key})

    async def change(self, key: str, user_id: str, change: dict[str, Any]) -> httpx.Response:
        return await self._http.patch(f"{USERS}/{user_id}", json=change, headers={"idempotency-key": key})

    async def get(self, user_id: str) -> httpx.Response:
        return await self._http.get(f"{USERS}/{user_id}")

    async def at_work(self) -> None:
        """Waits until tokens are known and the user service is reached."""

        async def works() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return (await self.get("nobody")).status_code == 404
            return False

        await eventually(works, START_SECONDS)

    async def close(self) -> None:
        await self._http.aclose()
        self.process.stop()


async def eventually(condition: Callable[[], Awaitable[bool]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


Start = Callable[[str, bool], Awaitable[Gateway]]


@pytest.fixture
async def start(
    auth: Node, client: Credentials, certificates: Certificates, valkey_url: str, run_folder: Path
) -> AsyncIterator[Start]:
    """Starts gateways that reach the user service at an address, with Redis or without."""
    started: list[Gateway] = []

    async def begin(user_address: str, shared: bool) -> Gateway:
        port = free_port()
        environment = {
            **certificates.environment("service/gateway"),
            **({"RAMPART_REDIS_URL": valkey_url} if shared else {}),
            "RAMPART_HTTP_LISTEN": f"127.0.0.1:{port}",
            **{f"RAMPART_{name.upper()}_ADDRESS": f"127.0.0.1:{free_port()}" for name in load().gateway.calls},
            "RAMPART_AUTH_ADDRESS": auth.address,
            "RAMPART_USER_ADDRESS": user_address,
        }
        process = Process("gateway", environment, run_folder / f"gateway-{port}.log")
        gateway = Gateway(process, f"http://127.0.0.1:{port}", client.token)
        started.append(gateway)
        await gateway.at_work()
        return gateway

    yield begin
    for gateway in started:
        await gateway.close()


@pytest.fixture
async def relay(user: Node) -> AsyncIterator[Relay]:
    async with relayed(user.address) as found:
        yield found


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey_url) as found:
        yield found


@pytest.fixture
async def count(databases: dict[str, Database], client: Credentials) -> AsyncIterator[Callable[[str], Awaitable[int]]]:
    """Counts the client's rows in a table of the user service."""
    connection = await asyncpg.connect(databases["user"].reader_dsn)

    async def rows(table: str) -> int:
        query = f"SELECT count(*) FROM {table} WHERE tenant_id = $1"
        return int(await connection.fetchval(query, client.tenant_id))

    yield rows
    await connection.close()


async def forget(redis: Redis) -> None:
    """Redis loses what it holds of keys."""
    async for name in redis.scan_iter(f"{PREFIX}*"):
        await redis.delete(name)


@pytest.mark.parametrize("lost", ["nothing", "redis"])
async def test_answer_lost_with_its_gateway_is_given_by_another_and_nothing_happens_twice(
    start: Start, user: Node, relay: Relay, redis: Redis, count: Callable[[str], Awaitable[int]], lost: str
) -> None:
    first, second = await asyncio.gather(start(relay.address, True), start(user.address, True))
    relay.mute = True
    request = asyncio.create_task(first.create("k", {"user_id": "u1", "display_name": "Ann"}))

    async def committed() -> bool:
        return await count("users") == 1

    await eventually(committed, 5)
    first.process.stop(signal.SIGKILL)
    with pytest.raises(httpx.TransportError):
        await request
    if lost == "redis":
        await forget(redis)
    answer = await until_answered(second, "k", {"user_id": "u1", "display_name": "Ann"})
    again = await second.create("k", {"user_id": "u1", "display_name": "Ann"})
    assert answer.content == again.content == (await second.get("u1")).content
    assert again.headers["idempotency-replayed"] == "true"
    assert (await count("users"), await count("requests")) == (1, 1)


async def until_answered(gateway: Gateway, key: str, user: dict[str, Any]) -> httpx.Response:
    """Does what a client does: sends the request again while it is told to."""
    async with asyncio.timeout(10):
        while True:
            answer = await gateway.create(key, user)
            if answer.status_code != 409:
                assert answer.status_code == 201, answer.text
                return answer
            await asyncio.sleep(int(answer.headers["retry-after"]) / 2)


@pytest.mark.parametrize("shared", [True, False], ids=["redis", "no redis"])
async def test_two_gateways_at_once_make_one_effect(
    start: Start, user: Node, count: Callable[[str], Awaitable[int]], shared: bool
) -> None:
    gateways = await asyncio.gather(start(user.address, shared), start(user.address, shared))
    body = {"user_id": "u1", "display_name": "Ann"}
    replies = await asyncio.gather(*[gateways[turn % 2].create("k", body) for turn in range(20)])
    good = {reply.content for reply in replies if reply.status_code == 201}
    assert len(good) == 1
    assert {reply.json()["reason"] for reply in replies if reply.status_code != 201} <= {"IDEMPOTENCY_KEY_IN_USE"}
    for gateway in gateways:
        assert (await until_answered(gateway, "k", body)).content in good
    assert (await count("users"), await count("requests")) == (1, 1)


async def test_service_remembers_what_redis_forgot(
    start: Start, user: Node, redis: Redis, count: Callable[[str], Awaitable[int]]
) -> None:
    gateway = await start(user.address, True)
    made = await gateway.create("k1", {"user_id": "u1"})
    changed = await gateway.change("k2", "u1", {"country": "DE", "phone": "+4912345"})
    later = await gateway.change("k3", "u1", {"country": "FR"})
    await forget(redis)
    assert (await gateway.create("k1", {"user_id": "u1"})).content == made.content
    again = await gateway.change("k2", "u1", {"phone": "+4912345", "country": "DE"})
    assert again.content == changed.content
    assert (await gateway.get("u1")).content == later.content
    refused = [await gateway.create("k1", {"user_id": "u2"}), await gateway.change("k2", "u1", {"country": "CH"})]
    assert [(each.status_code, each.json()["reason"]) for each in refused] == [(422, "IDEMPOTENCY_KEY_REUSED")] * 2
    assert (await count("users"), await count("requests")) == (1, 3)


async def test_retry_through_another_gateway_is_told_the_same_error(start: Start, user: Node) -> None:
    gateways = await asyncio.gather(start(user.address, True), start(user.address, True))
    await gateways[0].create("k1", {"user_id": "u1"})
    first, again = [await gateway.create("k2", {"user_id": "u1"}) for gateway in gateways]
    assert (first.status_code, first.json()["reason"]) == (409, "RESOURCE_EXISTS")
    assert (first.content, first.headers["content-type"]) == (again.content, again.headers["content-type"])
    assert json.loads(again.content)["request_id"] == first.headers["x-request-id"] != again.headers["x-request-id"]
