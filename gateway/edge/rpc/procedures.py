"""Answers unary methods under their gRPC paths, as connectrpc speaks it: Connect (also by GET) and gRPC-Web.

Only methods that REST can reach are there. The library reads, decodes and encodes; token, scopes, limits, validation
and mesh are those of every other call, and an error of theirs is told in the caller's protocol.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from typing import Any

from connectrpc.codec import Codec
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication
from connectrpc.server import Endpoint as Procedure
from protobuf import Message
from starlette.types import Receive

from gateway.calls.upstream import Upstream
from gateway.compile.endpoint import Endpoint
from gateway.compile.plan import MethodPlan
from gateway.compile.router import Router
from gateway.edge.exchange import Exchange
from gateway.edge.guard import Guard
from gateway.edge.others import identified
from gateway.edge.rpc.codecs import codecs
from gateway.edge.rpc.errors import connect_error
from meshkit.errors import Kind, MeshError, deadline_exceeded

__all__ = ["Procedures"]

BODY_SECONDS = 15.0
_GRPC = (b"application/grpc+", b"application/grpc;", b"application/grpc ")

_running: ContextVar[Exchange] = ContextVar("connect_exchange")
_refusal: ContextVar[MeshError | None] = ContextVar("connect_refusal", default=None)


class Procedures:
    """Serves every unary method that REST can reach."""

    def __init__(self, router: Router, upstream: Upstream, guard: Guard, *, max_bytes: int) -> None:
        self._endpoints = {each.method.full_name: each for each in router.endpoints if not each.streams}
        methods = {path: _Method(endpoint, upstream, guard) for path, endpoint in self._endpoints.items()}
        self._app = _Application(methods, codecs(router), max_bytes)

    def match(self, exchange: Exchange, path: str) -> bool:
        """Binds the exchange to the method under a gRPC path; False if there is none, or not for its HTTP method.

        Raises MeshError for gRPC itself: its trailers need HTTP/2, and connectrpc would raise, not refuse.
        """
        if exchange.method not in self.allowed(path):
            return False
        exchange.bind(self._endpoints[path], label=(exchange.method, path))
        if (exchange.headers.get(b"content-type", b"").lower() + b" ").startswith(_GRPC):
            raise MeshError(
                Kind.INVALID_ARGUMENT,
                "MEDIA_TYPE_UNSUPPORTED",
                "gRPC is not served here: use Connect, gRPC-Web or REST",
            )
        return True

    def allowed(self, path: str) -> list[str]:
        """Returns the HTTP methods of a path, none if no method is there. Reads can be called by GET."""
        endpoint = self._endpoints.get(path)
        if endpoint is None:
            return []
        return ["GET", "HEAD", "POST"] if endpoint.policy.reads else ["POST"]

    def check(self, exchange: Exchange) -> None:
        """The library refuses what it cannot read."""

    async def read(self, exchange: Exchange) -> None:
        """The library reads the request, in the encoding that it was sent in."""

    async def answer(self, exchange: Exchange, request: None) -> None:
        await self._run(exchange, None)

    async def fail(self, exchange: Exchange, error: MeshError) -> None:
        await self._run(exchange, error)

    async def _run(self, exchange: Exchange, refusal: MeshError | None) -> None:
        _running.set(exchange)
        _refusal.set(refusal)
        scope = {**exchange.scope, "method": "GET"} if exchange.method == "HEAD" else exchange.scope
        await self._app(scope, _timed(exchange.receive), identified(exchange))


class _Application(ConnectASGIApplication[None]):
    """connectrpc's application over the methods of a plan."""

    def __init__(self, methods: Mapping[str, _Method], codecs: Iterable[Codec], max_bytes: int) -> None:
        procedures = {path: Procedure.unary(_info(method.endpoint.method), method) for path, method in methods.items()}
        super().__init__(
            service=None,
            endpoints=lambda _: procedures,
            interceptors=[_Refusals()],
            read_max_bytes=max_bytes,
            codecs=codecs,
        )

    @property
    def path(self) -> str:
        return ""


class _Refusals:
    """Tells a caller that was not admitted so, before its body is read."""

    async def on_start(self, ctx: RequestContext[Any, Any]) -> None:
        error = _refusal.get()
        if error is not None:
            raise connect_error(error)

    async def on_end(self, token: None, ctx: RequestContext[Any, Any], error: Exception | None, /) -> None:
        return


class _Method:
    """Calls one method."""

    def __init__(self, endpoint: Endpoint, upstream: Upstream, guard: Guard) -> None:
        self.endpoint = endpoint
        self._upstream = upstream
        self._guard = guard

    async def __call__(self, request: Message, ctx: RequestContext[Any, Any]) -> Message:
        try:
            return await self._call(request, ctx)
        except MeshError as error:
            _running.get().call.failed(error)
            raise connect_error(error) from error

    async def _call(self, request: Message, ctx: RequestContext[Any, Any]) -> Message:
        endpoint, exchange = self.endpoint, _running.get()
        call = exchange.call
        endpoint.validate(request)
        if endpoint.policy.items:
            await self._guard.charge(exchange, endpoint.policy, endpoint.units(request))
        if ctx.timeout_ms is not None:
            call.limit(ctx.timeout_ms / 1000)
        if call.remaining == 0:
            raise deadline_exceeded()
        data = await self._upstream.call(endpoint.method, endpoint.serialize(request), call)
        answer: Message = endpoint.method.output.type.from_binary(data)
        return answer


def _info(method: MethodPlan) -> MethodInfo[Any, Any]:
    service, _, name = method.full_name[1:].partition("/")
    return MethodInfo(
        name=name,
        service_name=service,
        input=method.input.type,
        output=method.output.type,
        idempotency_level=IdempotencyLevel.NO_SIDE_EFFECTS if method.policy.reads else IdempotencyLevel.UNKNOWN,
        stream_type=StreamType.UNARY,
    )


def _timed(receive: Receive) -> Receive:
    """Bounds the time in which the body must have arrived."""
    until = asyncio.get_running_loop().time() + BODY_SECONDS
    done = False

    async def timed() -> Any:
        nonlocal done
        if done:
            return await receive()
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            error = MeshError(Kind.INVALID_ARGUMENT, "REQUEST_TIMEOUT", "the body did not arrive in time")
            raise connect_error(error) from None
        done = not message.get("more_body", False)
        return message

    return timed
