"""Methods that stream in any direction, over WebSockets (RFC 6455) at the path of their binding.

A client sends each request message as a text frame and an empty one after the last. It gets a text frame
`{"result":M}` for each answer and, before the connection is closed, one `{"status":S}`. The close code is 1000 if all
went well, else 4000 and the canonical code.
"""

from __future__ import annotations

import logging
import time

from gateway.calls.streams import Conversation, StreamUpstream
from gateway.calls.upstream import CallInfo
from gateway.compile.endpoint import Endpoint, Router
from gateway.compile.plan import PathError, malformed
from gateway.edge.exchange import Exchange, Receive, Scope, Send
from gateway.edge.guard import Guard
from gateway.edge.headers.fields import repeated
from gateway.edge.headers.security import SecurityHeaders
from gateway.edge.metrics import Telemetry
from gateway.edge.streams.connection import WebSocketConnection
from gateway.edge.streams.handshake import (
    check_origin,
    choose_subprotocol,
    handshake_exchange,
    over_handshake,
)
from gateway.edge.streams.relay import StreamRelay
from gateway.edge.streams.requests import RequestReader
from gateway.edge.streams.session import Fail, Sessions, alongside, call_of
from meshkit.errors import Kind, MeshError, internal

__all__ = ["WebSockets"]

SWITCHING_PROTOCOLS = 101

_log = logging.getLogger(__name__)


class WebSockets:
    """Serves every binding of a method that streams."""

    def __init__(
        self,
        *,
        router: Router,
        guard: Guard,
        upstream: StreamUpstream,
        sessions: Sessions,
        telemetry: Telemetry,
        security: SecurityHeaders,
    ) -> None:
        self._router = router
        self._guard = guard
        self._upstream = upstream
        self._sessions = sessions
        self._telemetry = telemetry
        self._security = security

    async def serve(self, scope: Scope, receive: Receive, send: Send, fail: Fail) -> None:
        """Serves one connection. What is wrong before it is open is answered by `fail`, over HTTP."""
        exchange = handshake_exchange(scope)
        exchange.extra += self._security.headers(exchange, scope)
        endpoint: Endpoint | None = None
        await receive()
        try:
            endpoint, captures = self._find(exchange)
            exchange.route = endpoint.route
            await self._open(exchange, endpoint, captures, scope, receive, send)
        except MeshError as error:
            exchange.route = exchange.route or "unmatched"
            await fail(exchange, error, receive, over_handshake(send), endpoint)
            return
        except Exception:
            _log.exception("a request failed unexpectedly", extra={"fields": {"request_id": exchange.request_id}})
            if not exchange.status:
                await fail(exchange, internal(), receive, over_handshake(send), endpoint)
                return
        assert endpoint is not None, "without one nothing was opened"
        self._telemetry.finish(exchange, endpoint.metrics, time.perf_counter())

    def _find(self, exchange: Exchange) -> tuple[Endpoint, tuple[str, ...]]:
        """Finds the streaming method of a path, whatever the method of its binding. Raises MeshError."""
        if exchange.repeated:
            raise repeated(exchange.repeated)
        try:
            found = self._router.every(exchange.path.decode("ascii"))
        except UnicodeDecodeError:
            raise malformed("path", "", "holds bytes that must be percent-encoded") from None
        except PathError as error:
            raise malformed("path", "", str(error)) from None
        for endpoint, captures in found:
            if endpoint.stream is not None:
                return endpoint, captures
        if found:
            raise malformed("header", "upgrade", "must not be sent: the method answers once")
        raise MeshError(Kind.NOT_FOUND, "ROUTE_NOT_FOUND", "no route matches the path")

    async def _open(
        self,
        exchange: Exchange,
        endpoint: Endpoint,
        captures: tuple[str, ...],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Opens the connection and serves it. Raises MeshError only before it is open."""
        assert endpoint.stream is not None
        check_origin(exchange, self._security.cors)
        subprotocol = choose_subprotocol(scope["subprotocols"])
        token = await self._guard.admit(exchange, endpoint.policy, scope)
        reader = RequestReader(endpoint, endpoint.stream.frames, captures, scope["query_string"])
        alone = None
        if not endpoint.method.client_streaming and not endpoint.binding.body:
            alone = _request(exchange, endpoint, captures, scope)
        async with self._sessions.open(token) as relay:
            await _accept(exchange, subprotocol, send)
            connection = WebSocketConnection(exchange, endpoint, reader, receive, send)
            call = call_of(exchange, endpoint, token)
            error = await self._talk(connection, relay, alone, call)
            await connection.close(self._sessions, error)

    async def _talk(
        self, connection: WebSocketConnection, relay: StreamRelay, alone: bytes | None, call: CallInfo
    ) -> MeshError | None:
        endpoint = connection.endpoint
        conversation: Conversation | None = None
        if endpoint.method.client_streaming:
            conversation = self._upstream.exchange(endpoint.method, call)
            relay.begin(conversation)
        else:
            try:
                request = alone if alone is not None else await connection.first()
            except MeshError as error:
                return error
            relay.begin(self._upstream.stream(endpoint.method, request, call))
        async with alongside(connection.feed(relay, conversation)):
            return await self._sessions.carry(relay, connection, connection.exchange, connection.metrics)


def _request(exchange: Exchange, endpoint: Endpoint, captures: tuple[str, ...], scope: Scope) -> bytes:
    """Reads the only request of a method from the opening."""
    assert endpoint.stream is not None
    message = endpoint.decode(captures, scope["query_string"], b"")
    endpoint.stream.resume(message, exchange.headers.get(b"last-event-id"))
    return endpoint.serialize(message)


async def _accept(exchange: Exchange, subprotocol: str | None, send: Send) -> None:
    exchange.status = SWITCHING_PROTOCOLS
    headers = [(b"x-request-id", exchange.request_id.encode()), *exchange.extra]
    await send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers})
