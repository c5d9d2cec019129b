"""Answers of several messages over plain HTTP: one response, written as the messages come.

    token → limits → framing → body → decode → resume → call → first message → headers → messages → status

Until the headers are sent a failure is an ordinary HTTP error; afterwards it is the status at the end of the body.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Sequence
from typing import Any

from gateway.calls.streams import StreamUpstream
from gateway.compile.codec.http_body import UNKNOWN
from gateway.compile.endpoint import Endpoint
from gateway.compile.stream_codec import StreamCodec
from gateway.edge.body import BodyReader
from gateway.edge.exchange import Exchange, Receive, Scope, Send
from gateway.edge.guard import Guard
from gateway.edge.headers.security import SAFE
from gateway.edge.metrics import Telemetry
from gateway.edge.streams.framing import Framing, choose
from gateway.edge.streams.registry import StreamMetrics
from gateway.edge.streams.relay import Gone, Stalled, StreamRelay, unstalled
from gateway.edge.streams.session import Fail, Sessions, alongside, call_of
from meshkit.errors import Kind, MeshError, internal

__all__ = ["HttpStreams"]

_log = logging.getLogger(__name__)

_HEADERS = [
    (b"cache-control", b"no-store"),
    *SAFE,
    # nginx would collect the messages of minutes before it passes them on.
    (b"x-accel-buffering", b"no"),
    (b"vary", b"accept"),
]


class HttpStreams:
    """Serves bindings of methods that answer with a stream, and sends callers of the others to a WebSocket."""

    def __init__(
        self,
        *,
        guard: Guard,
        bodies: BodyReader,
        upstream: StreamUpstream,
        sessions: Sessions,
        telemetry: Telemetry,
    ) -> None:
        self._telemetry = telemetry
        self._guard = guard
        self._bodies = bodies
        self._upstream = upstream
        self._sessions = sessions

    async def serve(
        self,
        exchange: Exchange,
        endpoint: Endpoint,
        captures: tuple[str, ...],
        scope: Scope,
        receive: Receive,
        send: Send,
        fail: Fail,
    ) -> None:
        """Answers a request. What is wrong before the answer begins is answered by `fail`."""
        exchange.route = endpoint.route
        try:
            await self._answer(exchange, endpoint, captures, scope, receive, send)
        except MeshError as error:
            await fail(exchange, error, receive, send, endpoint)
        except Exception:
            _log.exception("a request failed unexpectedly", extra={"fields": {"request_id": exchange.request_id}})
            if not exchange.status:
                await fail(exchange, internal(), receive, send, endpoint)
        else:
            self._telemetry.finish(exchange, endpoint.metrics, time.perf_counter())

    async def _answer(
        self,
        exchange: Exchange,
        endpoint: Endpoint,
        captures: tuple[str, ...],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Raises MeshError only as long as nothing is sent."""
        if endpoint.method.client_streaming:
            raise _upgrade_required(exchange)
        codec = endpoint.stream
        assert codec is not None, "only endpoints that stream come here"
        token = await self._guard.admit(exchange, endpoint.policy, scope)
        framing = None if codec.raw is not None else choose(exchange.headers.get(b"accept", b""))
        request = await self._request(exchange, endpoint, codec, captures, scope, receive)
        if exchange.method == "HEAD":
            await _start(exchange, framing.media_type if framing is not None else b"", send)
            await send({"type": "http.response.body", "body": b""})
            return
        async with self._sessions.open(token) as relay:
            relay.begin(self._upstream.stream(endpoint.method, request, call_of(exchange, endpoint, token)))
            async with alongside(_watch(receive, relay)):
                if framing is not None:
                    await self._send_frames(exchange, endpoint, framing, relay, send)
                else:
                    await self._send_raw(exchange, endpoint, relay, send)

    async def _request(
        self,
        exchange: Exchange,
        endpoint: Endpoint,
        codec: StreamCodec,
        captures: tuple[str, ...],
        scope: Scope,
        receive: Receive,
    ) -> bytes:
        body, raw = b"", endpoint.binding.raw
        if exchange.has_body:
            self._bodies.check(exchange, raw=raw)
            body = await self._bodies.read(exchange, receive)
        media_type = exchange.headers.get(b"content-type", b"") if raw else b""
        message = endpoint.decode(captures, scope["query_string"], body, media_type)
        codec.resume(message, exchange.headers.get(b"last-event-id"))
        return endpoint.serialize(message)

    async def _send_frames(
        self, exchange: Exchange, endpoint: Endpoint, framing: Framing, relay: StreamRelay, send: Send
    ) -> None:
        assert endpoint.stream is not None
        await relay.opened()
        metrics = StreamMetrics(endpoint.route, framing.name)
        await _start(exchange, framing.media_type, send)
        if framing.opening:
            await _write(send, framing.opening)
        error = await self._sessions.carry(relay, _Frames(endpoint.stream, framing, metrics, send), exchange, metrics)
        if not isinstance(error, Gone):
            with contextlib.suppress(Stalled, OSError):
                await unstalled(_write(send, framing.status(self._sessions.status(error, exchange)), more=False))

    async def _send_raw(self, exchange: Exchange, endpoint: Endpoint, relay: StreamRelay, send: Send) -> None:
        """Sends the bytes of `google.api.HttpBody` messages as they are, with the media type of the first.

        There is no place for a status among them: a body that failed lacks the end of its chunked encoding.
        """
        assert endpoint.stream is not None
        await relay.opened(patient=True)
        metrics = StreamMetrics(endpoint.route, "raw")
        sink = _Raw(endpoint.stream, exchange, metrics, send)
        error = await self._sessions.carry(relay, sink, exchange, metrics)
        if error is None:
            await sink.finish()
        elif not sink.started:
            raise error


class _Frames:
    def __init__(self, codec: StreamCodec, framing: Framing, metrics: StreamMetrics, send: Send) -> None:
        self._codec = codec
        self._framing = framing
        self._metrics = metrics
        self._send = send

    async def messages(self, batch: Sequence[bytes]) -> None:
        await _write(self._send, self._framing.messages(self._codec.messages(batch)))
        self._metrics.sent(len(batch))

    async def idle(self) -> None:
        await _write(self._send, self._framing.idle)


class _Raw:
    def __init__(self, codec: StreamCodec, exchange: Exchange, metrics: StreamMetrics, send: Send) -> None:
        assert codec.raw is not None
        self._read = codec.raw
        self._exchange = exchange
        self._metrics = metrics
        self._send = send
        self.started = False

    async def messages(self, batch: Sequence[bytes]) -> None:
        parts = [self._read(data) for data in batch]
        await self._begin(parts[0][0])
        await _write(self._send, b"".join(data for _, data in parts))
        self._metrics.sent(len(batch))

    async def idle(self) -> None:
        """Nothing may be sent that the service did not."""

    async def finish(self) -> None:
        await self._begin(b"")
        await _write(self._send, b"", more=False)

    async def _begin(self, media_type: bytes) -> None:
        if not self.started:
            self.started = True
            await _start(self._exchange, media_type, self._send)


async def _watch(receive: Receive, relay: StreamRelay) -> None:
    """Ends a stream whose client leaves."""
    message: Any = {"type": "http.request"}
    while message["type"] != "http.disconnect":
        message = await receive()
    relay.interrupt(Gone())


async def _start(exchange: Exchange, media_type: bytes, send: Send) -> None:
    exchange.status = 200
    headers = [
        (b"content-type", media_type or UNKNOWN),
        *_HEADERS,
        (b"x-request-id", exchange.request_id.encode()),
        *exchange.extra,
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


async def _write(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


def _upgrade_required(exchange: Exchange) -> MeshError:
    """RFC 9110, section 15.5.22."""
    exchange.extra += [(b"upgrade", b"websocket"), (b"connection", b"Upgrade")]
    return MeshError(
        Kind.FAILED_PRECONDITION, "UPGRADE_REQUIRED", "the method takes a stream of messages: call it over a WebSocket"
    )
