"""Opens, carries and ends streams: a place among the open ones, an end with the token, a status at the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any

from gateway.edge.guard import Verifier
from gateway.edge.streams.registry import OpenStreams, StreamMetrics
from gateway.edge.streams.relay import Gone, Sink, Stalled, StreamRelay
from gateway.errors.render import ErrorRenderer
from meshkit.context import CallContext
from meshkit.errors import Kind, MeshError, internal

__all__ = ["Sessions", "alongside"]

_log = logging.getLogger(__name__)

_OK: Mapping[str, Any] = {"code": 0, "message": "", "details": []}


class Sessions:
    """Opens, carries and ends streams."""

    def __init__(self, streams: OpenStreams, renderer: ErrorRenderer, verifier: Verifier) -> None:
        self._streams = streams
        self._renderer = renderer
        self._verifier = verifier

    @contextlib.asynccontextmanager
    async def open(self, call: CallContext) -> AsyncIterator[StreamRelay]:
        """Holds a stream while the block runs. It ends with the token of its call, at the latest with the block.

        Raises MeshError.
        """
        relay = StreamRelay()
        with self._streams.held(relay):
            try:
                if call.principal is not None:
                    relay.expire(self._verifier.remaining(call.token), _expired())
                yield relay
            finally:
                await relay.close()

    async def carry(
        self, relay: StreamRelay, sink: Sink, call: CallContext, metrics: StreamMetrics
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
                _log.exception("a stream failed unexpectedly", extra={"fields": {"request_id": call.request_id}})
                error = internal()
        metrics.ended(error)
        if error is not None:
            call.failed(error)
        return error

    def status(self, error: MeshError | None, call: CallContext) -> Mapping[str, Any]:
        """Returns the `google.rpc.Status` that ends a stream, as ProtoJSON."""
        return _OK if error is None else self._renderer.status(error, call.request_id)


@contextlib.asynccontextmanager
async def alongside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Runs work while the block runs, and ends it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _expired() -> MeshError:
    return MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", "the access token has expired: come again with a new one")
