"""Bounds the calls under way in a process and counts them, which `Server.stop` needs to be graceful.

grpc.aio's own `maximum_concurrent_rpcs` is bypassed after its first rejection (grpc#41531).
"""

from __future__ import annotations

import asyncio

from google.protobuf.message import Message

from meshkit.errors import Kind, MeshError
from meshkit.rpc.interceptors.chain import Call, Handler

__all__ = ["Admission"]


class Admission:
    """A middleware that refuses calls above `limit` and lets a drain wait for those under way."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._idle = asyncio.Event()
        self._idle.set()
        self.in_flight = 0

    async def __call__(self, request: Message, call: Call, handler: Handler) -> Message:
        if self.in_flight >= self._limit:
            raise MeshError(
                Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "the service has as much work as it accepts", retry_after=0.1
            )
        self.in_flight += 1
        self._idle.clear()
        try:
            return await handler(request, call)
        finally:
            self.in_flight -= 1
            if not self.in_flight:
                self._idle.set()

    async def drained(self, timeout: float) -> bool:
        """Waits until no call is under way; False if `timeout` seconds were not enough."""
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
