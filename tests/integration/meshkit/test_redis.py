"""Clients of Redis leave no connection behind."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from meshkit.storage.redis import open_redis


def connections(client: Redis) -> int:
    """Returns how many are open."""
    pool = client.connection_pool
    return sum(each.is_connected for each in {*pool._available_connections, *pool._in_use_connections})


async def ping(client: Redis) -> None:
    await client.ping()


async def test_client_that_is_closed_opens_no_connection(valkey_url: str) -> None:
    client = open_redis(valkey_url, timeout=3.0)
    assert await client.ping()
    await client.aclose()
    with pytest.raises(RedisConnectionError, match="closed"):
        await client.ping()
    assert connections(client) == 0


@pytest.mark.parametrize("steps", range(12))
async def test_connection_that_is_being_opened_when_its_client_is_closed_is_closed(valkey_url: str, steps: int) -> None:
    client = open_redis(valkey_url, timeout=3.0)
    asking = asyncio.create_task(ping(client))
    for _ in range(steps):
        await asyncio.sleep(0)
    await client.aclose()
    with suppress(RedisConnectionError):
        await asking
    assert connections(client) == 0


@pytest.mark.parametrize("steps", range(12))
async def test_connection_of_a_command_that_is_cancelled_goes_with_its_client(valkey_url: str, steps: int) -> None:
    client = open_redis(valkey_url, timeout=3.0)
    asking = asyncio.create_task(ping(client))
    for _ in range(steps):
        await asyncio.sleep(0)
    asking.cancel()
    closing = asyncio.create_task(client.aclose())
    await asyncio.gather(asking, closing, return_exceptions=True)
    assert connections(client) == 0
