"""Writes the messages of a stream into the body of an HTTP answer: framed as JSON, or raw."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import Send

from gateway.compile.codec.http_body import UNKNOWN
from gateway.compile.streaming import StreamEndpoint
from gateway.edge.exchange import Exchange
from gateway.edge.streams.framing import Framing
from gateway.edge.streams.registry import StreamMetrics
from gateway.errors.problem import SAFE

__all__ = ["FrameSink", "RawSink", "start", "write"]

_HEADERS = [
    (b"cache-control", b"no-store"),
    *SAFE,
    # nginx would collect the messages of minutes before it passes them on.
    (b"x-accel-buffering", b"no"),
    (b"vary", b"accept"),
]


class FrameSink:
    """Writes messages as ProtoJSON in one framing."""

    def __init__(self, endpoint: StreamEndpoint, framing: Framing, metrics: StreamMetrics, send: Send) -> None:
        self._endpoint = endpoint
        self._framing = framing
        self._metrics = metrics
        self._send = send

    async def messages(self, batch: Sequence[bytes]) -> None:
        await write(self._send, self._framing.messages(self._endpoint.messages(batch)))
        self._metrics.sent(len(batch))

    async def idle(self) -> None:
        await write(self._send, self._framing.idle)


class RawSink:
    """Writes the bytes of `google.api.HttpBody` messages. The answer begins with the first."""

    def __init__(self, endpoint: StreamEndpoint, exchange: Exchange, metrics: StreamMetrics) -> None:
        assert endpoint.raw is not None
        self._read = endpoint.raw
        self._exchange = exchange
        self._metrics = metrics

    async def messages(self, batch: Sequence[bytes]) -> None:
        parts = [self._read(data) for data in batch]
        await self._begin(parts[0][0])
        await write(self._exchange.send, b"".join(data for _, data in parts))
        self._metrics.sent(len(batch))

    async def idle(self) -> None:
        """Nothing may be sent that the service did not."""

    async def finish(self) -> None:
        await self._begin(b"")
        await write(self._exchange.send, b"", more=False)

    async def _begin(self, media_type: bytes) -> None:
        if not self._exchange.begun:
            await start(self._exchange, media_type)


async def start(exchange: Exchange, media_type: bytes) -> None:
    """Sends the head of a streamed answer."""
    exchange.status = 200
    exchange.begun = True
    headers = [
        (b"content-type", media_type or UNKNOWN),
        *_HEADERS,
        (b"x-request-id", exchange.call.request_id.encode()),
        *exchange.extra,
    ]
    await exchange.send({"type": "http.response.start", "status": 200, "headers": headers})


async def write(send: Send, body: bytes, *, more: bool = True) -> None:
    """Sends a piece of the body, the last one without `more`."""
    await send({"type": "http.response.body", "body": body, "more_body": more})
