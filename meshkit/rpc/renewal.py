"""Channels that go over to new certificates without a call that fails.

gRPC fixes the credentials of a channel when it is made (grpc#15735). So a channel of the mesh is a line of gRPC's
channels: a new one is connected first, then takes all further calls, and the former one ends with the last of its own.
"""

from __future__ import annotations

import asyncio
import logging
import time
import weakref
from collections.abc import Callable
from typing import Any

import grpc
from prometheus_client import Gauge

from meshkit.identity.own import Material, MeshIdentity

__all__ = ["RenewedChannel"]

_log = logging.getLogger(__name__)
_outdated = Gauge(
    "channels_outdated", "Client channels that do not yet use the newest TLS files.", multiprocess_mode="livesum"
)

_Move = Callable[[grpc.aio.Channel], None]

SETTLE_SECONDS = 1.0
"""A call that has begun reaches its channel within this time: grpc.aio starts it in a task of its own."""
RETIRE_SECONDS = 7200.0
"""Longer than calls last: streams end with their token."""
LEAST_WAIT_SECONDS = 5.0


class RenewedChannel(grpc.aio.Channel):
    """A channel whose certificates are always those of `identity`. `make` opens one that shows the given ones."""

    def __init__(self, identity: MeshIdentity, make: Callable[[Material], grpc.aio.Channel]) -> None:
        self._identity = identity
        self._make = make
        self._current = make(identity.material)
        self._until = identity.svid.until
        self._methods: weakref.WeakKeyDictionary[Callable[..., Any], _Move] = weakref.WeakKeyDictionary()
        self._moving: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._unfollow: Callable[[], None] | None = identity.follow(self._changed)

    async def __aenter__(self) -> RenewedChannel:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        """Closes the channel. Calls under way, on former channels as well, get `grace` seconds."""
        if self._unfollow is None:
            return
        self._unfollow()
        self._unfollow = None
        if self._retiring and grace:
            await asyncio.wait(self._retiring, timeout=grace)
        tasks = [*self._retiring, *([self._moving] if self._moving is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._current.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._current.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._current.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._current.channel_ready()

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._method(lambda channel: channel.unary_unary(*args, **kwargs))

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._method(lambda channel: channel.unary_stream(*args, **kwargs))

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._method(lambda channel: channel.stream_unary(*args, **kwargs))

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._method(lambda channel: channel.stream_stream(*args, **kwargs))

    def _method(self, open_on: Callable[[grpc.aio.Channel], Any]) -> Callable[..., Any]:
        """Returns a method of the channel of the day. Whoever calls keeps it."""
        # A function over a bound method costs a call what gRPC's own object does, an object over that twice as much.
        current = open_on(self._current).__call__

        def call(*args: Any, **kwargs: Any) -> Any:
            return current(*args, **kwargs)

        def move(channel: grpc.aio.Channel) -> None:
            nonlocal current
            current = open_on(channel).__call__

        self._methods[call] = move
        return call

    def _changed(self) -> None:
        if self._moving is not None:
            self._moving.cancel()
        _outdated.inc()
        self._moving = asyncio.create_task(self._move(), name="certificates of a channel")
        self._moving.add_done_callback(lambda _: _outdated.dec())

    async def _move(self) -> None:
        material, until = self._identity.material, self._identity.svid.until
        fresh = self._make(material)
        try:
            await self._connected(fresh)
        except BaseException:
            await fresh.close()
            raise
        former, self._current, self._until = self._current, fresh, until
        for move in tuple(self._methods.values()):
            move(fresh)
        retiring = asyncio.create_task(_retire(former), name="former certificates of a channel")
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)

    async def _connected(self, fresh: grpc.aio.Channel) -> None:
        """Waits while the former channel is of more use: until the server takes our new certificate."""
        if self._current.get_state() is not grpc.ChannelConnectivity.READY:
            return
        try:
            async with asyncio.timeout(max(LEAST_WAIT_SECONDS, self._until - time.time())):
                await fresh.channel_ready()
        except TimeoutError:
            _log.error("a server did not take the new certificate before the former one expired")


async def _retire(former: grpc.aio.Channel) -> None:
    try:
        await asyncio.sleep(SETTLE_SECONDS)
    except asyncio.CancelledError:
        await former.close()
        raise
    await former.close(RETIRE_SECONDS)
