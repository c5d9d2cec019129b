"""Answers OPTIONS: the methods of a path, and CORS preflights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.routing import Match, Route

from gateway.compile.plan import PathError
from gateway.edge.exchange import Exchange
from gateway.edge.headers.cors import Cors
from gateway.errors.problem import SAFE

__all__ = ["OptionsResponder"]

_SERVER_WIDE = "*"
_EVERY_METHOD = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


class OptionsResponder:
    """Answers for the compiled routes, whose methods `allowed` returns, and for those of the site."""

    def __init__(self, allowed: Callable[[str], Sequence[str]], site: Starlette, cors: Cors) -> None:
        self._allowed = allowed
        self._routes = [route for route in site.routes if isinstance(route, Route)]
        self._cors = cors

    async def answer(self, exchange: Exchange) -> bool:
        """Answers with 204, or returns False if nothing has the path."""
        methods = self._methods(exchange)
        if not methods:
            return False
        allowed = sorted({*methods, "OPTIONS"})
        origin = exchange.headers.get(b"origin")
        if self._cors and origin is not None and b"access-control-request-method" in exchange.headers:
            # In place of the headers of an ordinary answer: an allowed origin may be named once only.
            exchange.extra = self._cors.preflight(origin, methods)
        headers = [
            (b"allow", ", ".join(allowed).encode()),
            (b"cache-control", b"no-store"),
            *SAFE,
            (b"x-request-id", exchange.call.request_id.encode()),
            *exchange.extra,
        ]
        exchange.status = 204
        await exchange.send({"type": "http.response.start", "status": 204, "headers": headers})
        await exchange.send({"type": "http.response.body", "body": b""})
        return True

    def _methods(self, exchange: Exchange) -> Sequence[str]:
        path = exchange.path.decode("ascii", "replace")
        if path == _SERVER_WIDE:
            return _EVERY_METHOD
        try:
            compiled = self._allowed(path)
        except PathError:
            return ()
        return compiled or sorted(
            method
            for route in self._routes
            if route.matches(exchange.scope)[0] is not Match.NONE
            for method in route.methods or ()
        )
