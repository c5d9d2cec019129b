"""Serves methods that are not ours, such as health, to peers who are somebody in the mesh, and to nobody else."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import grpc

from meshkit.identity.svid import PeerIdentities

__all__ = ["for_known_peers"]

Servicer: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
RpcMethodHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_KINDS = ("unary_unary", "unary_stream", "stream_unary", "stream_stream")


def for_known_peers(handler: RpcMethodHandler, peers: PeerIdentities) -> RpcMethodHandler:
    """Wraps a handler of any kind. Whoever has no identity gets PERMISSION_DENIED."""
    kind = next(kind for kind in _KINDS if getattr(handler, kind) is not None)
    behaviour: Any = getattr(handler, kind)

    async def check(context: Servicer) -> None:
        if not peers.of(context.auth_context()):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "this peer has no identity in the mesh")

    async def call(request: Any, context: Servicer) -> Any:
        await check(context)
        return await behaviour(request, context)

    async def stream(request: Any, context: Servicer) -> AsyncIterator[Any]:
        await check(context)
        async for response in behaviour(request, context):
            yield response

    make: Any = getattr(grpc, f"{kind}_rpc_method_handler")
    wrapped: RpcMethodHandler = make(
        stream if inspect.isasyncgenfunction(behaviour) else call,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )
    return wrapped
