"""The hot path: a pure ASGI application in front of FastAPI's router that serves the compiled routes.

    route → body limits → token → rate limit → body → decode → validate → call → encode

What no compiled route matches goes on to FastAPI: documentation, health, metrics, OAuth. Every exchange, of both kinds,
gets its identity, its access line and its metrics here, and every error of a compiled route becomes a problem document.
"""

from __future__ import annotations

import logging
import time

from starlette.applications import Starlette
from starlette.routing import Route

from gateway.body import BodyReader
from gateway.call import CallInfo, Upstream
from gateway.endpoint import Endpoint, Router
from gateway.exchange import Exchange, Message, Receive, Scope, Send
from gateway.guard import Guard
from gateway.metrics import Telemetry
from gateway.plan import HttpViolation, PathError, malformed
from gateway.plan.binding import steps
from gateway.problems import MEDIA_TYPE, problem
from meshkit.errors import Kind, MeshError, internal

__all__ = ["Transcoder"]

_log = logging.getLogger(__name__)

_COMMON = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]
_JSON = [(b"content-type", b"application/json"), *_COMMON]
_PROBLEM = [(b"content-type", MEDIA_TYPE), *_COMMON]


class Transcoder:
    """Serves compiled routes and passes on the rest."""

    def __init__(
        self,
        site: Starlette,
        *,
        router: Router,
        guard: Guard,
        upstream: Upstream,
        telemetry: Telemetry,
        bodies: BodyReader,
    ) -> None:
        self._site = site
        self._site_routes: dict[object, str] = {
            route.endpoint: route.path for route in site.routes if isinstance(route, Route)
        }
        self._router = router
        self._guard = guard
        self._upstream = upstream
        self._telemetry = telemetry
        self._bodies = bodies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._site(scope, receive, send)
            return
        exchange = Exchange(scope, time.perf_counter())
        try:
            found = self._match(exchange)
        except MeshError as error:
            exchange.route = "unmatched"
            await self._fail(exchange, error, receive, send)
        else:
            if found is None:
                await self._pass_on(exchange, scope, receive, send)
            else:
                await self._serve(exchange, *found, scope, receive, send)

    def _match(self, exchange: Exchange) -> tuple[Endpoint, tuple[str, ...]] | None:
        """Returns None for a path that is not compiled. Raises MeshError 400 or 405."""
        try:
            path = exchange.path.decode("ascii")
            found = self._router.match(exchange.method, path)
            allowed = self._router.allowed(path) if found is None else []
        except UnicodeDecodeError:
            raise malformed("path", "", "holds bytes that must be percent-encoded") from None
        except PathError as error:
            raise malformed("path", "", str(error)) from None
        if allowed:
            exchange.extra.append((b"allow", ", ".join(allowed).encode()))
            raise MeshError(Kind.UNIMPLEMENTED, "METHOD_NOT_ALLOWED", f"use {' or '.join(allowed)} with this path")
        return found

    async def _serve(
        self,
        exchange: Exchange,
        endpoint: Endpoint,
        captures: tuple[str, ...],
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        exchange.route = endpoint.route
        try:
            body = await self._answer(exchange, endpoint, captures, scope, receive)
        except MeshError as error:
            await self._fail(exchange, _located(error, endpoint), receive, send, endpoint)
            return
        except Exception:
            _log_unexpected(exchange)
            await self._fail(exchange, internal(), receive, send, endpoint)
            return
        exchange.status = 200
        await _respond(exchange, _JSON, body, send)
        self._telemetry.finish(exchange, endpoint.metrics, time.perf_counter())

    async def _answer(
        self, exchange: Exchange, endpoint: Endpoint, captures: tuple[str, ...], scope: Scope, receive: Receive
    ) -> bytes:
        has_body = exchange.has_body
        if has_body:
            self._bodies.check(exchange)
        token = await self._guard.admit(exchange, endpoint.policy, scope)
        body = await self._bodies.read(exchange, receive) if has_body else b""
        request = endpoint.read(captures, scope["query_string"], body)
        call = CallInfo(
            token=token,
            principal=exchange.principal,
            request_id=exchange.request_id,
            traceparent=exchange.traceparent,
            deadline=time.monotonic() + endpoint.policy.deadline,
        )
        return endpoint.encode(await self._upstream.call(endpoint.method, request, call))

    async def _pass_on(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands a request to FastAPI, which finds the exchange in `request.state`."""
        scope.setdefault("state", {})["exchange"] = exchange

        async def send_with_identity(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                own = [(b"x-request-id", exchange.request_id.encode()), _COMMON[1], *exchange.extra]
                message["headers"] = [*message.get("headers", []), *own]
            await send(message)

        try:
            await self._site(scope, receive, send_with_identity)
        except Exception:
            # The site has answered already: it raises again what it answered with 500, for the log.
            _log_unexpected(exchange)
        exchange.route = self._site_routes.get(scope.get("endpoint"), "unmatched")
        metrics = self._telemetry.route(exchange.method, exchange.route)
        self._telemetry.finish(exchange, metrics, time.perf_counter())

    async def _fail(
        self, exchange: Exchange, error: MeshError, receive: Receive, send: Send, endpoint: Endpoint | None = None
    ) -> None:
        exchange.status, headers, body = problem(error, exchange.request_id)
        exchange.extra += headers
        if exchange.body_unread:
            exchange.extra.append((b"connection", b"close"))
            await _respond(exchange, _PROBLEM, body, send, more=True)
            await self._bodies.linger(receive)
            await send({"type": "http.response.body", "body": b""})
        else:
            await _respond(exchange, _PROBLEM, body, send)
        metrics = endpoint.metrics if endpoint is not None else self._telemetry.route(exchange.method, exchange.route)
        self._telemetry.finish(exchange, metrics, time.perf_counter())


async def _respond(
    exchange: Exchange, standard: list[tuple[bytes, bytes]], body: bytes, send: Send, more: bool = False
) -> None:
    headers = [
        *standard,
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", exchange.request_id.encode()),
        *exchange.extra,
    ]
    await send({"type": "http.response.start", "status": exchange.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": more})


def _located(error: MeshError, endpoint: Endpoint) -> MeshError:
    """Names the HTTP places of violations that a service found."""
    error.violations = tuple(
        violation
        if isinstance(violation, HttpViolation)
        else endpoint.binding.violation(steps(violation.field), violation.reason, violation.message)
        for violation in error.violations
    )
    return error


def _log_unexpected(exchange: Exchange) -> None:
    fields = {"request_id": exchange.request_id, "trace_id": exchange.traceparent[3:35], "route": exchange.route}
    _log.exception("a request failed unexpectedly", extra={"fields": fields})
