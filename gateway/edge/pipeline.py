"""The hot path: a pure ASGI application in front of FastAPI's router that serves the compiled routes.

    route → body limits → token → rate limit → body → decode → validate → call → encode

What no compiled route matches goes on to FastAPI: pages, health, metrics, own routes. Every exchange, of both kinds,
gets its identity, its access line and its metrics here, and every error of a compiled route is told by
`gateway.errors.render`.
"""

from __future__ import annotations

import dataclasses
import logging
import time

from starlette.applications import Starlette
from starlette.routing import Route

from gateway.calls.cache.upstream import cache_use
from gateway.calls.idempotency.edge import Idempotency
from gateway.calls.idempotency.key import HEADER as KEY
from gateway.calls.upstream import CallInfo, Upstream
from gateway.compile.endpoint import Endpoint, Router
from gateway.compile.plan import HttpViolation, PathError, malformed
from gateway.edge.body import BodyReader
from gateway.edge.exchange import Exchange, Message, Receive, Scope, Send
from gateway.edge.guard import Guard
from gateway.edge.headers.answers import JSON, Answers
from gateway.edge.headers.fields import repeated
from gateway.edge.headers.options import OptionsResponder
from gateway.edge.headers.security import SAFE, SecurityHeaders
from gateway.edge.metrics import Telemetry
from gateway.edge.streams.edge import StreamEdge
from gateway.errors.places import steps
from gateway.errors.problem import Headers
from gateway.errors.render import ErrorRenderer
from meshkit.errors import Kind, MeshError, Violation, internal

__all__ = ["Transcoder"]

_log = logging.getLogger(__name__)

_COMMON = [(b"cache-control", b"no-store"), *SAFE]
_JSON = [(b"content-type", JSON), *_COMMON]


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
        failures: ErrorRenderer,
        idempotency: Idempotency,
        answers: Answers,
        security: SecurityHeaders,
        streams: StreamEdge,
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
        self._failures = failures
        self._idempotency = idempotency
        self._answers = answers
        self._security = security or None
        self._options = OptionsResponder(router, site, security.cors)
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._serve_socket(scope, receive, send)
            return
        exchange = Exchange(scope, time.perf_counter())
        if self._security is not None:
            exchange.extra += self._security.headers(exchange, scope)
        try:
            found = self._match(exchange)
        except MeshError as error:
            exchange.route = "unmatched"
            await self._fail(exchange, error, receive, send)
        else:
            if found is None:
                await self._serve_other(exchange, scope, receive, send)
            elif found[0].stream is not None:
                await self._streams.http.serve(exchange, *found, scope, receive, send, self._fail_located)
            else:
                await self._serve(exchange, *found, scope, receive, send)

    def _match(self, exchange: Exchange) -> tuple[Endpoint, tuple[str, ...]] | None:
        """Returns None for a path that is not compiled, and for OPTIONS. Raises MeshError 400 or 405."""
        if exchange.repeated:
            raise repeated(exchange.repeated)
        try:
            path = exchange.path.decode("ascii")
            found = self._router.match(exchange.method, path)
            allowed = self._router.allowed(path) if found is None else []
        except UnicodeDecodeError:
            raise malformed("path", "", "holds bytes that must be percent-encoded") from None
        except PathError as error:
            raise malformed("path", "", str(error)) from None
        if allowed and exchange.method != "OPTIONS":
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
            headers, body = await self._answer(exchange, endpoint, captures, scope, receive)
        except MeshError as error:
            await self._fail(exchange, _located(error, endpoint), receive, send, endpoint)
            return
        except Exception:
            _log_unexpected(exchange)
            await self._fail(exchange, internal(), receive, send, endpoint)
            return
        await _respond(exchange, headers, body, send)
        self._telemetry.finish(exchange, endpoint.metrics, time.perf_counter())

    async def _answer(
        self, exchange: Exchange, endpoint: Endpoint, captures: tuple[str, ...], scope: Scope, receive: Receive
    ) -> tuple[Headers, bytes]:
        has_body = exchange.has_body
        if has_body:
            self._bodies.check(exchange, raw=endpoint.binding.raw)
        token = await self._guard.admit(exchange, endpoint.policy, scope)
        body = await self._bodies.read(exchange, receive) if has_body else b""
        media_type = exchange.headers.get(b"content-type", b"") if endpoint.binding.raw else b""
        message = endpoint.decode(captures, scope["query_string"], body, media_type)
        if b"if-match" in exchange.headers or b"if-none-match" in exchange.headers:
            endpoint.condition(message, exchange.headers)
        call = CallInfo(
            token=token,
            principal=exchange.principal,
            request_id=exchange.request_id,
            traceparent=exchange.traceparent,
            deadline=time.monotonic() + endpoint.policy.deadline,
        )
        if endpoint.policy.cache:
            call.cache = cache_use(exchange.headers.get(b"cache-control"))
        if endpoint.keyed is not None and KEY in exchange.headers:
            data = await self._idempotency.call(exchange, endpoint, message, call)
        else:
            data = await self._upstream.call(endpoint.method, endpoint.serialize(message), call)
        if endpoint.raw is not None:
            return await self._finish(exchange, endpoint, call, data, *endpoint.raw(data))
        body = endpoint.encode(data)
        if endpoint.tag is None and len(body) < self._answers.compress_from:
            exchange.status = 200
            return _JSON, body
        return await self._finish(exchange, endpoint, call, data, JSON, body)

    async def _finish(
        self, exchange: Exchange, endpoint: Endpoint, call: CallInfo, data: bytes, media_type: bytes, body: bytes
    ) -> tuple[Headers, bytes]:
        """Gives an answer its tag, compares it with what the caller has, and compresses it (RFC 9110, 8 and 13)."""
        if call.cache is not None and call.cache.age is not None:
            exchange.extra.append((b"age", b"%d" % call.cache.age))
        tag = endpoint.tag(data, body) if endpoint.tag is not None else None
        headers, body = await self._answers.finish(exchange, body, tag, media_type)
        return [*headers, *SAFE], body

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._streams.websockets.serve(scope, receive, send, self._fail_located)
        else:
            await self._site(scope, receive, send)

    async def _serve_other(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        if exchange.method == "OPTIONS" and await self._options.answer(exchange, scope, send):
            exchange.route = "options"
            self._telemetry.finish(exchange, self._telemetry.route("OPTIONS", "options"), time.perf_counter())
        else:
            await self._pass_on(exchange, scope, receive, send)

    async def _pass_on(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands a request to FastAPI, which finds the exchange in `request.state`."""
        scope.setdefault("state", {})["exchange"] = exchange

        async def send_with_identity(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                given = message.get("headers", [])
                names = {name for name, _ in given}
                safe = [header for header in SAFE if header[0] not in names]
                own = [(b"x-request-id", exchange.request_id.encode()), *safe, *exchange.extra]
                message["headers"] = [*given, *own]
            elif exchange.method == "HEAD":
                # Not every server leaves the body out by itself.
                message["body"] = b""
            await send(message)

        try:
            await self._site(scope, receive, send_with_identity)
        except Exception:
            # The site has answered already: it raises again what it answered with 500, for the log.
            _log_unexpected(exchange)
        exchange.route = self._site_routes.get(scope.get("endpoint"), "unmatched")
        metrics = self._telemetry.route(exchange.method, exchange.route)
        self._telemetry.finish(exchange, metrics, time.perf_counter())

    async def _fail_located(
        self, exchange: Exchange, error: MeshError, receive: Receive, send: Send, endpoint: Endpoint | None
    ) -> None:
        error = _located(error, endpoint) if endpoint is not None else error
        await self._fail(exchange, error, receive, send, endpoint)

    async def _fail(
        self, exchange: Exchange, error: MeshError, receive: Receive, send: Send, endpoint: Endpoint | None = None
    ) -> None:
        told = exchange.repeats or exchange.request_id
        failure = self._failures.render(error, told, exchange.headers.get(b"accept", b""))
        exchange.status = failure.status
        exchange.extra += failure.headers
        standard = [(b"content-type", failure.media_type), *_COMMON]
        if exchange.body_unread:
            exchange.extra.append((b"connection", b"close"))
            await _respond(exchange, standard, failure.body, send, more=True)
            await self._bodies.linger(receive)
            await send({"type": "http.response.body", "body": b""})
        else:
            await _respond(exchange, standard, failure.body, send)
        metrics = endpoint.metrics if endpoint is not None else self._telemetry.route(exchange.method, exchange.route)
        self._telemetry.finish(exchange, metrics, time.perf_counter())


async def _respond(exchange: Exchange, standard: Headers, body: bytes, send: Send, more: bool = False) -> None:
    headers = [
        *standard,
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", exchange.request_id.encode()),
        *exchange.extra,
    ]
    if exchange.status == 304:
        # Its length would be that of the body which the caller has (RFC 9110, section 8.6).
        del headers[len(standard)]
    if exchange.method == "HEAD":
        body = b""
    await send({"type": "http.response.start", "status": exchange.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": more})


def _located(error: MeshError, endpoint: Endpoint) -> MeshError:
    """Names the HTTP places of violations that a service found."""
    error.violations = tuple(_place(violation, endpoint) for violation in error.violations)
    return error


def _place(violation: Violation, endpoint: Endpoint) -> Violation:
    if isinstance(violation, HttpViolation):
        return violation
    found = endpoint.binding.violation(steps(violation.field), violation.reason, violation.message)
    return dataclasses.replace(found, localized=violation.localized) if violation.localized else found


def _log_unexpected(exchange: Exchange) -> None:
    fields = {"request_id": exchange.request_id, "trace_id": exchange.traceparent[3:35], "route": exchange.route}
    _log.exception("a request failed unexpectedly", extra={"fields": fields})
