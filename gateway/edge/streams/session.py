"""What every stream has, whatever carries it: a place among the open ones, an end with its token, and a last word."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from typing import Any

from gateway.calls.upstream import CallInfo
from gateway.compile.endpoint import Endpoint
from gateway.edge.exchange import Exchange, Receive, Send
from gateway.edge.streams.expiry import expired, expires_at
from gateway.edge.streams.registry import OpenStreams, StreamMetrics
from gateway.edge.streams.relay import Gone, Sink, Stalled, StreamRelay
from gateway.errors.render import ErrorRenderer
from meshkit.errors import MeshError, internal

__all__ = ["Fail", "Sessions", "alongside", "call_of"]

Fail = Callable[[Exchange, MeshError, Receive, Send, Endpoint | None], Awaitable[None]]
"""Answers with an error, over HTTP, and notes the end of the exchange."""

_log = logging.getLogger(__name__)

_OK: Mapping[str, Any] = {"code": 0, "message": "", "details": []}


class Sessions:
    """Opens, carries and ends streams."""

    def __init__(self, streams: OpenStreams, failures: ErrorRenderer) -> None:
        self._streams = streams
        self._failures = failures

    @contextlib.asynccontextmanager
    async def open(self, token: str) -> AsyncIterator[StreamRelay]:
        """Holds a stream while the block runs. Its call is over after the block. Raises MeshError."""
        relay = StreamRelay()
        with self._streams.held(relay):
            try:
                expiry = expires_at(token)
                if expiry is not None:
                    relay.expire(max(0.0, expiry - time.time()), expired())
                yield relay
            finally:
                await relay.close()

    async def carry(
        self, relay: StreamRelay, sink: Sink, exchange: Exchange, metrics: StreamMetrics
    ) -> MeshError | None:
        """Carries a stream to its end. Returns why it failed: Gone if there is nobody left to be told."""
        error: MeshError | None
        with metrics.running():
            try:
                error = await relay.run(sink)
            except (Stalled, OSError):
                # Servers may say by OSError that there is nobody to write to (ASGI, section "Disconnects").
                error = Gone()
            except Exception:
                _log.exception("a stream failed unexpectedly", extra={"fields": {"request_id": exchange.request_id}})
                error = internal()
        metrics.ended(error)
        return error

    def status(self, error: MeshError | None, exchange: Exchange) -> Mapping[str, Any]:
        """Returns the `google.rpc.Status` that ends a stream, as ProtoJSON."""
        return _OK if error is None else self._failures.status(error, exchange.request_id)


def call_of(exchange: Exchange, endpoint: Endpoint, token: str) -> CallInfo:
    """Returns the terms of a stream's call. Its deadline is the longest time that the stream may take."""
    return CallInfo(
        token=token,
        principal=exchange.principal,
        request_id=exchange.request_id,
        traceparent=exchange.traceparent,
        deadline=time.monotonic() + endpoint.policy.deadline,
    )


@contextlib.asynccontextmanager
async def alongside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs work while the block runs, and ends it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
