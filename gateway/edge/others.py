"""Answers what is no call: OPTIONS, and the pages of the site behind FastAPI's router."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from gateway.edge.exchange import Exchange
from gateway.edge.headers.options import OptionsResponder
from gateway.errors.problem import SAFE

__all__ = ["Others", "identified"]


class Others:
    """Passes requests on to the site, which finds the exchange in `request.state`."""

    def __init__(self, site: Starlette, options: OptionsResponder) -> None:
        self._site = site
        self._options = options
        self._routes: dict[object, str] = {
            route.endpoint: route.path for route in site.routes if isinstance(route, Route)
        }

    async def answer(self, exchange: Exchange) -> None:
        """Answers one request. Raises what the site could not handle; it is answered by then."""
        if exchange.method == "OPTIONS" and await self._options.answer(exchange):
            exchange.name("options")
            return
        scope = exchange.scope
        scope.setdefault("state", {})["exchange"] = exchange
        try:
            await self._site(scope, exchange.receive, identified(exchange))
        finally:
            exchange.name(self._routes.get(scope.get("endpoint"), "unmatched"))

    async def pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on what is neither a request nor a WebSocket."""
        await self._site(scope, receive, send)


def identified(exchange: Exchange) -> Send:
    """Returns what sends an answer of another application, with the headers that every answer of the edge has."""

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            exchange.begun = True
            given = message.get("headers", [])
            names = {name for name, _ in given}
            safe = [header for header in SAFE if header[0] not in names]
            own = [(b"x-request-id", exchange.call.request_id.encode()), *safe, *exchange.extra]
            message["headers"] = [*given, *own]
        elif exchange.method == "HEAD":
            # Not every server leaves the body out by itself.
            message["body"] = b""
        await exchange.send(message)

    return send
