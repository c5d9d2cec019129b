"""Composes middlewares around each method once, at its first call.

The order is fixed, for calls with one answer and for calls with a stream of them:

    errors → context → (recorded) → metrics → deadline → admission → authorization → quota → validation → audited
        → (the service's own) → approved → handler
    errors → context → (recorded) → stream_metrics → deadline → streams → authorization → quota → expiry → validation
        → audited → (the service's own) → handler

A middleware sees a stream as a call that returns when the stream has ended. No method takes a stream of requests: the
batch methods of the mesh take its place.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import grpc
from google.protobuf.message import Message

from meshkit.context import CallContext
from meshkit.identity.policy import Policy

__all__ = ["Call", "Chain", "Handler", "Middleware"]

Servicer: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


@dataclass(slots=True)
class Call:
    """One call on its way through the middlewares."""

    policy: Policy
    context: CallContext
    metadata: Mapping[str, str | bytes]
    servicer: Servicer


Handler = Callable[[Message, Call], Awaitable[Message]]
Middleware = Callable[[Message, Call, Handler], Awaitable[Message]]
RpcMethodHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Chain(grpc.aio.ServerInterceptor):
    """Wraps every method that has a policy; any other is refused as unimplemented.

    `foreign` names the services that are not ours, such as health, which have no policies: `wrap` makes of each of
    their methods what is served. `streaming` are the middlewares of methods that answer with a stream; their servicers
    are async generators.
    """

    def __init__(
        self,
        policies: Mapping[str, Policy],
        middlewares: Sequence[Middleware],
        foreign: frozenset[str] = frozenset(),
        *,
        wrap: Callable[[RpcMethodHandler], RpcMethodHandler] = lambda handler: handler,
        streaming: Sequence[Middleware] = (),
    ) -> None:
        self._policies = policies
        self._foreign = foreign
        self._wrap_foreign = wrap
        self._middlewares = tuple(middlewares)
        self._streaming = tuple(streaming)
        self._wrapped: dict[str, RpcMethodHandler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[RpcMethodHandler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> RpcMethodHandler | None:
        path = handler_call_details.method
        if (wrapped := self._wrapped.get(path)) is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if path[1:].partition("/")[0] in self._foreign:
            return self._wrap_foreign(handler) if handler is not None else None
        policy = self._policies.get(path)
        if handler is None or policy is None or handler.request_streaming:
            return None
        self._wrapped[path] = self._wrap(handler, policy)
        return self._wrapped[path]

    def _wrap(self, handler: RpcMethodHandler, policy: Policy) -> RpcMethodHandler:
        streams = handler.response_streaming
        composed: Handler = _streaming(handler) if streams else _unary(handler)
        for middleware in reversed(self._streaming if streams else self._middlewares):
            composed = _around(middleware, composed)

        async def entry(request: Message, servicer: Servicer) -> Message:
            metadata = dict(servicer.invocation_metadata() or ())
            return await composed(request, Call(policy, CallContext(), metadata, servicer))

        make: Any = grpc.unary_stream_rpc_method_handler if streams else grpc.unary_unary_rpc_method_handler
        wrapped: RpcMethodHandler = make(
            entry,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
        return wrapped


def _unary(handler: RpcMethodHandler) -> Handler:
    behaviour = cast("Callable[[Message, Any], Awaitable[Message]]", handler.unary_unary)

    async def innermost(request: Message, call: Call) -> Message:
        return await behaviour(request, call.servicer)

    return innermost


def _streaming(handler: RpcMethodHandler) -> Handler:
    behaviour = cast("Callable[[Message, Any], AsyncGenerator[Message, None]]", handler.unary_stream)

    async def innermost(request: Message, call: Call) -> Message:
        # Closed here and now: left to the garbage collector, what the generator holds would outlive its caller.
        async with aclosing(behaviour(request, call.servicer)) as responses:
            async for response in responses:
                await call.servicer.write(response)
        return request

    return innermost


def _around(middleware: Middleware, inner: Handler) -> Handler:
    # No coroutine of its own: there would be one more for each middleware at each call.
    return lambda request, call: middleware(request, call, inner)
