"""News of changes through a real Valkey."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass

from meshkit.storage.changes import Change, ChangeFeed, ChangePublisher
from meshkit.storage.event_stream import RedisStream
from meshkit.storage.redis import open_redis


@dataclass
class Listener:
    told: list[Change]
    live: bool = False

    def heard(self, change: Change) -> None:
        self.told.append(change)

    def everything_changed(self) -> None:
        """What was known before the start may be old."""


async def until(condition: object) -> None:
    async with asyncio.timeout(20):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_every_process_hears_of_a_change_at_once(valkey_url: str) -> None:
    key = f"changes:{uuid.uuid4()}"
    heard: list[list[Change]] = [[], []]
    clients = [open_redis(valkey_url, timeout=3.0, size=1) for _ in heard]
    listeners = [Listener(found) for found in heard]
    feeds = [
        ChangeFeed(RedisStream(client, key), listener) for client, listener in zip(clients, listeners, strict=True)
    ]
    tasks = [asyncio.create_task(feed.run()) for feed in feeds]
    redis = open_redis(valkey_url)
    try:
        await until(lambda: all(listener.live for listener in listeners))
        publisher = ChangePublisher(RedisStream(redis, key))
        sent = [Change("user", "t", str(number)) for number in range(50)]
        for change in sent:
            await publisher.publish(change)
        await until(lambda: all(len(found) >= len(sent) for found in heard))
        assert heard == [sent, sent]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await redis.delete(key)
        for client in (*clients, redis):
            await client.aclose()
