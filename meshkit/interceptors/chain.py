"""Composes middlewares around each unary method once, at its first call.

The order is fixed: errors → context → metrics → deadline → admission → authorization → validation → handler.
Every method is unary: the batch methods of the mesh take the place of streams.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import grpc
from google.protobuf.message import Message

from meshkit.context import CallContext
from meshkit.policy import Policy

__all__ = ["Call", "Chain", "Handler", "Middleware"]


@dataclass(slots=True)
class Call:
    """One call on its way through the middlewares."""

    policy: Policy
    context: CallContext
    metadata: Mapping[str, str | bytes]
    servicer: grpc.aio.ServicerContext[Any, Any]


Handler = Callable[[Message, Call], Awaitable[Message]]
Middleware = Callable[[Message, Call, Handler], Awaitable[Message]]
RpcMethodHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Chain(grpc.aio.ServerInterceptor):
    """Wraps every method that has a policy; any other is refused as unimplemented.

    `foreign` names the services that are not ours, such as health: any peer with a certificate of the mesh may call
    them.
    """

    def __init__(
        self, policies: Mapping[str, Policy], middlewares: Sequence[Middleware], foreign: frozenset[str] = frozenset()
    ) -> None:
        self._policies = policies
        self._foreign = foreign
        self._middlewares = tuple(middlewares)
        self._wrapped: dict[str, RpcMethodHandler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[RpcMethodHandler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> RpcMethodHandler | None:
        path = handler_call_details.method
        wrapped = self._wrapped.get(path)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if path[1:].partition("/")[0] in self._foreign:
            return handler
        policy = self._policies.get(path)
        if handler is None or policy is None:
            return None
        self._wrapped[path] = self._wrap(handler, policy)
        return self._wrapped[path]

    def _wrap(self, handler: RpcMethodHandler, policy: Policy) -> RpcMethodHandler:
        behaviour = cast("Callable[[Message, Any], Awaitable[Message]]", handler.unary_unary)

        async def innermost(request: Message, call: Call) -> Message:
            return await behaviour(request, call.servicer)

        composed: Handler = innermost
        for middleware in reversed(self._middlewares):
            composed = _around(middleware, composed)

        async def entry(request: Message, servicer: grpc.aio.ServicerContext[Any, Any]) -> Message:
            metadata = dict(servicer.invocation_metadata() or ())
            return await composed(request, Call(policy, CallContext(), metadata, servicer))

        return grpc.unary_unary_rpc_method_handler(
            entry,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def _around(middleware: Middleware, inner: Handler) -> Handler:
    async def run(request: Message, call: Call) -> Message:
        return await middleware(request, call, inner)

    return run
