"""Sends whole answers: the bodies of good ones, and the one rendering of every error that leaves over HTTP."""

from __future__ import annotations

from gateway.edge.body import BodyReader
from gateway.edge.exchange import Exchange
from gateway.errors.problem import SAFE, Headers
from gateway.errors.render import ErrorRenderer
from meshkit.errors import MeshError

__all__ = ["NO_STORE", "Exit", "respond"]

NO_STORE: Headers = [(b"cache-control", b"no-store"), *SAFE]
"""Headers of an answer that nobody may keep."""


class Exit:
    """Answers with errors, in the form that the caller prefers."""

    def __init__(self, renderer: ErrorRenderer, bodies: BodyReader) -> None:
        self._renderer = renderer
        self._bodies = bodies

    async def fail(self, exchange: Exchange, error: MeshError) -> None:
        """Answers with an error. A body that is still on its way is read for a moment, and the connection closed."""
        told = exchange.repeats or exchange.call.request_id
        failure = self._renderer.render(error, told, exchange.headers.get(b"accept", b""))
        exchange.status = failure.status
        exchange.extra += failure.headers
        standard = [(b"content-type", failure.media_type), *NO_STORE]
        if not exchange.body_unread:
            await respond(exchange, standard, failure.body)
            return
        exchange.extra.append((b"connection", b"close"))
        await respond(exchange, standard, failure.body, more=True)
        await self._bodies.linger(exchange.receive)
        await exchange.send({"type": "http.response.body", "body": b""})


async def respond(exchange: Exchange, standard: Headers, body: bytes, more: bool = False) -> None:
    """Sends an answer with the exchange's status; `more` leaves it open."""
    headers = [
        *standard,
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", exchange.call.request_id.encode()),
        *exchange.extra,
    ]
    if exchange.status == 304:
        # Its length would be that of the body which the caller has (RFC 9110, section 8.6).
        del headers[len(standard)]
    if exchange.method == "HEAD":
        body = b""
    exchange.begun = True
    await exchange.send({"type": "http.response.start", "status": exchange.status, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": body, "more_body": more})
