"""Unary methods under their gRPC paths, spoken by connectrpc: Connect (also by GET) and gRPC-Web.

Only methods that REST can reach are there. Calls pass the same guard, limits, validation and mesh as REST; nothing of
this is on the way of a REST request, which has been routed before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any

from connectrpc.codec import Codec
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication, Endpoint
from protobuf import Message
from starlette.routing import BaseRoute, Route

from gateway.calls.upstream import CallInfo, Upstream
from gateway.compile.endpoint import Endpoint as RestEndpoint
from gateway.compile.endpoint import Router
from gateway.compile.plan import MethodPlan
from gateway.edge.exchange import Exchange, Receive, Scope, Send
from gateway.edge.guard import Guard
from gateway.edge.rpc.codecs import codecs
from gateway.edge.rpc.errors import connect_error
from meshkit.errors import Kind, MeshError, deadline_exceeded

__all__ = ["rpc_routes"]

BODY_SECONDS = 15.0

_scope: ContextVar[Scope] = ContextVar("rampart_rpc_scope")
_token: ContextVar[str] = ContextVar("rampart_rpc_token")


def rpc_routes(router: Router, gate: Guard, upstream: Upstream, *, max_bytes: int) -> list[BaseRoute]:
    """Returns a route for every unary method that REST can reach."""
    reachable = {
        endpoint.method.full_name: endpoint
        for endpoint in router.endpoints
        if not (endpoint.method.client_streaming or endpoint.method.server_streaming)
    }
    app = _Application(reachable, gate, upstream, codecs(router), max_bytes)
    # Each route has an endpoint of its own, which metrics and the access log know it by.
    return [
        Route(path, partial(app), methods=["GET", "POST"] if endpoint.policy.reads else ["POST"], name=path)
        for path, endpoint in reachable.items()
    ]


class _Application(ConnectASGIApplication[None]):
    """connectrpc's application over the methods of a plan."""

    def __init__(
        self,
        reachable: Mapping[str, RestEndpoint],
        gate: Guard,
        upstream: Upstream,
        codecs: Iterable[Codec],
        max_bytes: int,
    ) -> None:
        endpoints = {
            path: Endpoint.unary(_info(endpoint.method), _Method(endpoint, upstream))
            for path, endpoint in reachable.items()
        }
        super().__init__(
            service=None,
            endpoints=lambda _: endpoints,
            interceptors=[_Admission({path: endpoint.method for path, endpoint in reachable.items()}, gate)],
            read_max_bytes=max_bytes,
            codecs=codecs,
        )

    @property
    def path(self) -> str:
        return ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _scope.set(scope)
        await super().__call__(scope, _timed(receive), send)


class _Admission:
    """Runs before the body is read: token, scopes and limits."""

    def __init__(self, methods: Mapping[str, MethodPlan], gate: Guard) -> None:
        self._methods = methods
        self._gate = gate

    async def on_start(self, ctx: RequestContext[Any, Any]) -> None:
        scope, method = _scope.get(), self._methods[_path(ctx)]
        try:
            _token.set(await self._gate.admit(_exchange(scope), method.policy, scope))
        except MeshError as error:
            raise connect_error(error) from error

    async def on_end(self, token: None, ctx: RequestContext[Any, Any], error: Exception | None, /) -> None:
        return


class _Method:
    """Calls one method."""

    def __init__(self, endpoint: RestEndpoint, upstream: Upstream) -> None:
        self._endpoint = endpoint
        self._upstream = upstream

    async def __call__(self, request: Message, ctx: RequestContext[Any, Any]) -> Message:
        try:
            return await self._call(request, ctx)
        except MeshError as error:
            raise connect_error(error) from error

    async def _call(self, request: Message, ctx: RequestContext[Any, Any]) -> Message:
        endpoint, exchange = self._endpoint, _exchange(_scope.get())
        endpoint.validate(request)
        seconds = endpoint.policy.deadline
        if (asked := ctx.timeout_ms) is not None:
            seconds = min(seconds, asked / 1000)
        if seconds <= 0:
            raise deadline_exceeded()
        call = CallInfo(
            token=_token.get(),
            principal=exchange.principal,
            request_id=exchange.request_id,
            traceparent=exchange.traceparent,
            deadline=time.monotonic() + seconds,
        )
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


def _path(ctx: RequestContext[Any, Any]) -> str:
    return f"/{ctx.method.service_name}/{ctx.method.name}"


def _exchange(scope: Scope) -> Exchange:
    exchange: Exchange = scope["state"]["exchange"]
    return exchange


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
