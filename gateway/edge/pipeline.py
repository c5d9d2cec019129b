"""Serves every request of the edge through one pipeline, as a pure ASGI application in front of FastAPI's router.

    match → check → admit → read → decode → call → answer

Unary calls, streams over HTTP, WebSockets and Connect differ in their `Answerer` alone. What is no call goes on to the
site: documentation, health, metrics. Every exchange gets its identity, its access line and its metrics here, and here
is the one place where an error leaves a call.
"""

from __future__ import annotations

import logging
import time
from typing import Any, Protocol

from starlette.types import Receive, Scope, Send

from gateway.compile.plan import PathError
from gateway.compile.router import Router
from gateway.edge.exchange import METHODS, Exchange
from gateway.edge.exit import Exit
from gateway.edge.guard import Guard
from gateway.edge.header_fields import repeated
from gateway.edge.headers.security import SecurityHeaders
from gateway.edge.metrics import Telemetry
from gateway.edge.others import Others
from gateway.edge.rpc.procedures import Procedures
from gateway.edge.spans import RequestSpans
from gateway.edge.streams.http import HttpStreams
from gateway.edge.streams.websocket import WebSockets
from gateway.edge.system_parameters import SystemParameters
from gateway.edge.unary import UnaryCalls
from gateway.errors.places import malformed
from meshkit.context import set_current
from meshkit.errors import Kind, MeshError, internal

__all__ = ["Answerer", "Pipeline"]

_log = logging.getLogger(__name__)


class Answerer(Protocol):
    """Reads and answers one kind of call. Every method may raise MeshError; `fail` tells the caller of it."""

    def check(self, exchange: Exchange) -> None:
        """Refuses by headers alone, before anything is done for the caller."""
        ...

    async def read(self, exchange: Exchange) -> Any:
        """Returns the decoded, valid request of an admitted call."""
        ...

    async def answer(self, exchange: Exchange, request: Any) -> None:
        """Makes the call and sends the answer."""
        ...

    async def fail(self, exchange: Exchange, error: MeshError) -> None:
        """Answers with an error. Nothing of an answer has been sent."""
        ...


class Pipeline:
    """Serves the calls of a router, and passes on the rest."""

    def __init__(
        self,
        *,
        router: Router,
        guard: Guard,
        unary: UnaryCalls,
        streams: HttpStreams,
        sockets: WebSockets,
        procedures: Procedures,
        others: Others,
        errors: Exit,
        security: SecurityHeaders,
        telemetry: Telemetry,
        spans: RequestSpans | None = None,
        parameters: SystemParameters | None = None,
    ) -> None:
        self._spans = spans
        self._begin = self._serve if spans is None else self._recorded
        self._router = router
        self._methods = METHODS | {"TRACE"} | router.plan.tries.keys()
        self._guard = guard
        self._unary = unary
        self._streams = streams
        self._sockets = sockets
        self._procedures = procedures
        self._others = others
        self._errors = errors
        self._security = security or None
        self._telemetry = telemetry
        self._parameters = parameters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._begin(Exchange(scope, receive, send))
        elif scope["type"] == "websocket":
            await self._begin(await self._sockets.opening(scope, receive, send), self._sockets)
        else:
            await self._others.pass_on(scope, receive, send)

    async def _recorded(self, exchange: Exchange, transport: WebSockets | None = None) -> None:
        """Serves one exchange, and records it as a span."""
        assert self._spans is not None
        self._spans.begin(exchange)
        try:
            await self._serve(exchange, transport)
        finally:
            self._spans.end(exchange)

    async def _serve(self, exchange: Exchange, transport: WebSockets | None = None) -> None:
        """Serves one exchange. Whatever happens it is answered, logged and counted, once."""
        set_current(exchange.call)
        if self._security is not None:
            exchange.extra += self._security.headers(exchange)
        answerer: Answerer | Exit = transport or self._errors
        try:
            found = self._match(exchange) if transport is None else transport.match(exchange)
            if found is None:
                await self._others.answer(exchange)
            else:
                answerer = found
                await self._call(exchange, found)
        except MeshError as error:
            await self._fail(exchange, answerer, error)
        except Exception:
            log_unexpected(exchange)
            await self._fail(exchange, answerer, internal())
        self._telemetry.finish(exchange)

    async def _call(self, exchange: Exchange, answerer: Answerer) -> None:
        endpoint = exchange.endpoint
        assert endpoint is not None, "only calls that match an endpoint have an answerer"
        answerer.check(exchange)
        await self._guard.admit(exchange, endpoint.policy)
        request = await answerer.read(exchange)
        if request is not None and endpoint.policy.items:
            await self._guard.charge(exchange, endpoint.policy, endpoint.units(request))
        exchange.call.deadline = time.monotonic() + endpoint.policy.deadline
        await answerer.answer(exchange, request)

    def _match(self, exchange: Exchange) -> Answerer | None:
        """Finds the endpoint; None for a path that is not compiled, and for OPTIONS. Raises MeshError 400, 405, 501."""
        if exchange.repeated:
            raise repeated(exchange.repeated)
        try:
            path = exchange.path.decode("ascii")
            found = self._router.match(exchange.method, path)
            if found is not None:
                exchange.bind(*found)
                if self._parameters is not None and exchange.query:
                    self._parameters.take(exchange)
                return self._streams if found[0].streams else self._unary
            if self._procedures.match(exchange, path):
                return self._procedures
            if exchange.method not in self._methods:
                # Of no resource here (RFC 9110, section 15.6.2); 405 is for methods that others have.
                raise MeshError(Kind.UNIMPLEMENTED, "NOT_IMPLEMENTED", "the method of the request is not known here")
            allowed = self._router.allowed(path) or self._procedures.allowed(path)
        except UnicodeDecodeError:
            raise malformed("path", "", "holds bytes that must be percent-encoded") from None
        except PathError as error:
            raise malformed("path", "", str(error)) from None
        if allowed and exchange.method != "OPTIONS":
            exchange.extra.append((b"allow", ", ".join(allowed).encode()))
            raise MeshError(Kind.UNIMPLEMENTED, "METHOD_NOT_ALLOWED", f"use {' or '.join(allowed)} with this path")
        return None

    async def _fail(self, exchange: Exchange, answerer: Answerer | Exit, error: MeshError) -> None:
        if exchange.endpoint is not None:
            error = exchange.endpoint.located(error)
        elif not exchange.label[1]:
            exchange.name("unmatched")
        exchange.call.failed(error)
        if not exchange.begun:
            await answerer.fail(exchange, error)


def log_unexpected(exchange: Exchange) -> None:
    call = exchange.call
    fields = {"request_id": call.request_id, "trace_id": call.trace_id, "route": exchange.label[1]}
    _log.exception("a request failed unexpectedly", extra={"fields": fields})
