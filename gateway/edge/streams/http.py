"""Answers calls of several responses over plain HTTP: one answer, written as the messages come.

    call → first message → headers → messages → status

Until the headers are sent a failure is an ordinary HTTP error; afterwards it is the status at the end of the body.
"""

from __future__ import annotations

import contextlib
from typing import Any

from starlette.types import Receive

from gateway.calls.streams import StreamUpstream
from gateway.compile.streaming import StreamEndpoint
from gateway.edge.body import BodyReader
from gateway.edge.exchange import Exchange
from gateway.edge.exit import NO_STORE, Exit, respond
from gateway.edge.headers.conditional import Conditionals
from gateway.edge.headers.preconditions import unchanged
from gateway.edge.streams.framing import Framing, choose
from gateway.edge.streams.registry import StreamMetrics
from gateway.edge.streams.relay import Gone, Stalled, StreamRelay, unstalled
from gateway.edge.streams.session import Sessions, alongside
from gateway.edge.streams.sinks import FrameSink, RawSink, start, write
from gateway.edge.unary import check_body, read_body
from meshkit.errors import Kind, MeshError

__all__ = ["HttpStreams"]


class HttpStreams:
    """Answers with a stream, and sends callers of methods that take one to a WebSocket."""

    def __init__(
        self,
        *,
        upstream: StreamUpstream,
        bodies: BodyReader,
        conditionals: Conditionals,
        sessions: Sessions,
        errors: Exit,
    ) -> None:
        self._upstream = upstream
        self._bodies = bodies
        self._conditionals = conditionals
        self._sessions = sessions
        self._errors = errors

    def check(self, exchange: Exchange) -> None:
        if _endpoint(exchange).method.client_streaming:
            raise _upgrade_required(exchange)
        check_body(self._bodies, exchange)

    async def read(self, exchange: Exchange) -> Any:
        message = await read_body(self._bodies, exchange)
        self._conditionals.apply(_endpoint(exchange), message, exchange.headers)
        _endpoint(exchange).resume(message, exchange.headers.get(b"last-event-id"))
        return message

    async def answer(self, exchange: Exchange, request: Any) -> None:
        endpoint = _endpoint(exchange)
        framing = None if endpoint.raw is not None else choose(exchange.headers.get(b"accept", b""))
        if exchange.method == "HEAD":
            if await _answered_unchanged(exchange):
                return
            await start(exchange, framing.media_type if framing is not None else b"")
            await write(exchange.send, b"", more=False)
            return
        async with self._sessions.open(exchange.call) as relay:
            relay.begin(self._upstream.stream(endpoint.method, endpoint.serialize(request), exchange.call))
            probed = exchange.scope.get("extensions", {}).get("half_close")
            if probed is not None:
                probed(relay.probe)
            async with alongside(_watch(exchange.receive, relay)):
                if framing is not None:
                    await self._send_frames(exchange, endpoint, framing, relay)
                else:
                    await self._send_raw(exchange, endpoint, relay)

    async def fail(self, exchange: Exchange, error: MeshError) -> None:
        await self._errors.fail(exchange, error)

    async def _send_frames(
        self, exchange: Exchange, endpoint: StreamEndpoint, framing: Framing, relay: StreamRelay
    ) -> None:
        await relay.opened()
        if await _answered_unchanged(exchange):
            return
        metrics = StreamMetrics(endpoint.route, framing.name)
        await start(exchange, framing.media_type)
        if framing.opening:
            await write(exchange.send, framing.opening)
        sink = FrameSink(endpoint, framing, metrics, exchange.send)
        error = await self._sessions.carry(relay, sink, exchange.call, metrics)
        if not isinstance(error, Gone):
            status = framing.status(self._sessions.status(error, exchange.call))
            with contextlib.suppress(Stalled, OSError):
                await unstalled(write(exchange.send, status, more=False))

    async def _send_raw(self, exchange: Exchange, endpoint: StreamEndpoint, relay: StreamRelay) -> None:
        """Sends the bytes of `google.api.HttpBody` messages as they are, with the media type of the first.

        There is no place for a status among them: a body that failed lacks the end of its chunked encoding.
        """
        await relay.opened(patient=True)
        if await _answered_unchanged(exchange):
            return
        metrics = StreamMetrics(endpoint.route, "raw")
        sink = RawSink(endpoint, exchange, metrics)
        error = await self._sessions.carry(relay, sink, exchange.call, metrics)
        if error is None:
            await sink.finish()
        elif not exchange.begun:
            raise error


async def _answered_unchanged(exchange: Exchange) -> bool:
    """Evaluates the conditions of a read. A stream has no validators: only `*` says that a caller has it.

    Raises MeshError 412.
    """
    if exchange.method not in ("GET", "HEAD") or not unchanged(exchange.headers, None):
        return False
    exchange.status = 304
    await respond(exchange, NO_STORE, b"")
    return True


async def _watch(receive: Receive, relay: StreamRelay) -> None:
    """Ends a stream whose client leaves."""
    message: Any = {"type": "http.request"}
    while message["type"] != "http.disconnect":
        message = await receive()
    relay.interrupt(Gone())


def _endpoint(exchange: Exchange) -> StreamEndpoint:
    assert isinstance(exchange.endpoint, StreamEndpoint)
    return exchange.endpoint


def _upgrade_required(exchange: Exchange) -> MeshError:
    """RFC 9110, section 15.5.22."""
    exchange.extra += [(b"upgrade", b"websocket"), (b"connection", b"Upgrade")]
    return MeshError(
        Kind.FAILED_PRECONDITION, "UPGRADE_REQUIRED", "the method takes a stream of messages: call it over a WebSocket"
    )
