"""Answers calls over WebSockets (RFC 6455): every binding of a method that streams, in one direction or both.

    origin, subprotocol → token, limits → opening → requests and messages → status → close

What is wrong before the connection is open is an ordinary HTTP error in place of the opening.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.types import Receive, Scope, Send

from gateway.calls.streams import Conversation, StreamUpstream
from gateway.compile.plan import PathError
from gateway.compile.router import Router
from gateway.compile.streaming import StreamEndpoint
from gateway.edge.exchange import Exchange
from gateway.edge.exit import Exit
from gateway.edge.header_fields import repeated
from gateway.edge.headers.cors import Cors
from gateway.edge.streams.connection import WebSocketConnection
from gateway.edge.streams.handshake import check_origin, choose_subprotocol, offer_token, over_handshake
from gateway.edge.streams.relay import StreamRelay
from gateway.edge.streams.requests import RequestReader
from gateway.edge.streams.session import Sessions, alongside
from gateway.errors.places import malformed
from meshkit.errors import Kind, MeshError

__all__ = ["WebSockets"]

SWITCHING_PROTOCOLS = 101


class _Opening(NamedTuple):
    """What an opening holds: the reader of frames, and the only request if the method takes one without a body."""

    reader: RequestReader
    request: bytes | None


class WebSockets:
    """Opens connections, and carries the messages of their calls."""

    def __init__(
        self, *, router: Router, upstream: StreamUpstream, sessions: Sessions, cors: Cors, errors: Exit
    ) -> None:
        self._router = router
        self._upstream = upstream
        self._sessions = sessions
        self._cors = cors
        self._errors = errors

    async def opening(self, scope: Scope, receive: Receive, send: Send) -> Exchange:
        """Returns the exchange of an opening request."""
        exchange = Exchange(scope, receive, send)
        offer_token(exchange)
        await receive()
        return exchange

    def match(self, exchange: Exchange) -> WebSockets:
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
            if endpoint.streams:
                exchange.bind(endpoint, captures)
                return self
        if found:
            raise malformed("header", "upgrade", "must not be sent: the method answers once")
        raise MeshError(Kind.NOT_FOUND, "ROUTE_NOT_FOUND", "no route matches the path")

    def check(self, exchange: Exchange) -> None:
        check_origin(exchange, self._cors)
        choose_subprotocol(exchange.scope["subprotocols"])

    async def read(self, exchange: Exchange) -> _Opening:
        endpoint = _endpoint(exchange)
        reader = RequestReader(endpoint, exchange.captures, exchange.query)
        if endpoint.method.client_streaming or endpoint.binding.body:
            return _Opening(reader, None)
        message = endpoint.decode(exchange.captures, exchange.query, b"")
        endpoint.resume(message, exchange.headers.get(b"last-event-id"))
        return _Opening(reader, endpoint.serialize(message))

    async def answer(self, exchange: Exchange, request: _Opening) -> None:
        async with self._sessions.open(exchange.call) as relay:
            await _accept(exchange)
            connection = WebSocketConnection(exchange, _endpoint(exchange), request.reader)
            error = await self._talk(connection, relay, exchange, request.request)
            await connection.close(self._sessions, error)

    async def fail(self, exchange: Exchange, error: MeshError) -> None:
        exchange.send = over_handshake(exchange.send)
        await self._errors.fail(exchange, error)

    async def _talk(
        self, connection: WebSocketConnection, relay: StreamRelay, exchange: Exchange, request: bytes | None
    ) -> MeshError | None:
        """Carries both directions to their end. Returns why the stream failed, None if it did not."""
        method, call = _endpoint(exchange).method, exchange.call
        conversation: Conversation | None = None
        if method.client_streaming:
            conversation = self._upstream.exchange(method, call)
            relay.begin(conversation)
        else:
            try:
                request = request if request is not None else await connection.first()
            except MeshError as error:
                return error
            relay.begin(self._upstream.stream(method, request, call))
        async with alongside(connection.feed(relay, conversation)):
            return await self._sessions.carry(relay, connection, call, connection.metrics)


def _endpoint(exchange: Exchange) -> StreamEndpoint:
    assert isinstance(exchange.endpoint, StreamEndpoint)
    return exchange.endpoint


async def _accept(exchange: Exchange) -> None:
    exchange.status = SWITCHING_PROTOCOLS
    exchange.begun = True
    headers: Any = [(b"x-request-id", exchange.call.request_id.encode()), *exchange.extra]
    subprotocol = choose_subprotocol(exchange.scope["subprotocols"])
    await exchange.send({"type": "websocket.accept", "subprotocol": subprotocol, "headers": headers})
