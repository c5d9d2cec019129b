"""Opens Redis clients for the hot path: short timeouts, a bounded pool, no hidden retries, no lost cancellations."""

from __future__ import annotations

import asyncio
from typing import Any

from opentelemetry.trace import SpanKind
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from meshkit.context import current
from meshkit.storage.patience import Patience
from meshkit.tracing import setup

__all__ = ["open_redis"]

UNPATIENT = 4
"""Times the time for a command after which a connection is given up in any case."""


class _Pool(BlockingConnectionPool):
    """Has no connection once it is closed: the library opens them again for whoever comes too late."""

    is_closed = False

    async def get_connection(self, *args: Any, **options: Any) -> AbstractConnection:
        if not self.is_closed:
            connection: AbstractConnection = await super().get_connection(*args, **options)  # type: ignore[no-untyped-call]
            if not self.is_closed:
                return connection
            await self.release(connection)
        raise RedisConnectionError("the client is closed")

    async def release(self, connection: AbstractConnection) -> None:
        try:
            await super().release(connection)
        finally:
            # Whoever had it may have opened it again.
            if self.is_closed:
                await connection.disconnect(nowait=True)

    async def aclose(self) -> None:
        self.is_closed = True
        await super().aclose()


class _Client(Redis):
    """Waits for each command with `Patience`, from the way to the server to its answer.

    Delivers cancellations that `asyncio.wait_for`, which the client uses, swallows before Python 3.12 (bpo-37658).
    A task whose cancellation is lost goes on for ever, and the process that waits for its end never stops.
    """

    seconds = 0.0

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        async with Patience(self.seconds):
            task = asyncio.current_task()
            before = task.cancelling() if task else 0
            try:
                return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
            finally:
                if task and task.cancelling() > before:
                    raise asyncio.CancelledError

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        pipeline = _Pipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)
        pipeline.seconds = self.seconds
        return pipeline


class _Pipeline(Pipeline):
    """Waits for its commands as for one."""

    seconds = 0.0

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        async with Patience(self.seconds):
            return await super().execute(raise_on_error)


class _Recorded(_Client):
    """Makes a span of each command for a recorded call: its name alone, for keys and values tell of people."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        above = current().span
        if above is None:
            return await super().execute_command(*args, **options)
        name = str(args[0]).upper()
        span = above.child(name, SpanKind.CLIENT, {"db.system.name": "redis", "db.operation.name": name})
        try:
            return await super().execute_command(*args, **options)
        except BaseException as error:
            span.error = type(error).__name__
            raise
        finally:
            span.end()


def open_redis(url: str, *, timeout: float = 0.25, size: int = 8) -> Redis:
    """Returns a client that fails within `timeout` seconds. Answers are bytes."""
    pool = _Pool.from_url(
        url,
        max_connections=size,
        timeout=timeout,
        socket_connect_timeout=timeout,
        # For what is no command, such as the end of a connection: those are waited for with patience.
        socket_timeout=timeout * UNPATIENT,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
    # `from_pool` hands the pool over, so that closing the client closes its connections.
    client = _Client if setup.recorder() is None else _Recorded
    opened = client.from_pool(pool)
    assert isinstance(opened, _Client)
    opened.seconds = timeout
    return opened
