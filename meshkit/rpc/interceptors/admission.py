"""Bounds the calls under way in a process and counts them, which `Server.stop` needs to be graceful.

grpc.aio's own `maximum_concurrent_rpcs` is bypassed after its first rejection (grpc#41531).
"""

from __future__ import annotations

import asyncio

from google.protobuf.message import Message

from meshkit.rpc.interceptors.chain import Call, Handler
from meshkit.rpc.interceptors.places import CallPlaces

__all__ = ["Admission"]


class Admission:
    """A middleware that refuses calls above `limit`, or a caller's part of it, and lets a drain wait for the others."""

    def __init__(self, limit: int) -> None:
        self._places = CallPlaces(limit, "much work", retry_after=0.1)
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        return self._places.taken

    async def __call__(self, request: Message, call: Call, handler: Handler) -> Message:
        places, peer = self._places, call.context.peer
        places.take(peer)
        self._idle.clear()
        try:
            return await handler(request, call)
        finally:
            places.leave(peer)
            if not places.taken:
                self._idle.set()

    async def drained(self, timeout: float) -> bool:
        """Waits until no call is under way; False if `timeout` seconds were not enough."""
        try:
            async with asyncio.timeout(timeout):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
