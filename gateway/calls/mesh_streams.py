"""Opens streaming calls into the mesh, on serialised messages. A call that has begun is never retried."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import grpc

from gateway.calls.streams import Conversation, Replies
from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext
from meshkit.errors import from_rpc_error
from meshkit.rpc.channel import call_metadata

__all__ = ["MeshStreams"]

# A call that is over takes no further message. Why it is over, its replies say.
_OVER = (grpc.aio.AioRpcError, asyncio.InvalidStateError)


class MeshStreams:
    """The mesh as the streams of the gateway see it. `channels` are by short service name."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        self._channels = channels

    def stream(self, method: MethodPlan, request: bytes, call: CallContext) -> Replies:
        begin: Any = self._channels[method.service].unary_stream(method.full_name)
        return _Replies(begin(request, **_terms(call)), method.service)

    def exchange(self, method: MethodPlan, call: CallContext) -> Conversation:
        # On the wire a method with one answer is one with several. Calls of grpc.aio made for one answer wait for their
        # interceptors before they write, and those of OpenTelemetry wait for the answer.
        begin: Any = self._channels[method.service].stream_stream(method.full_name)
        return _Conversation(begin(**_terms(call)), method.service)


def _terms(call: CallContext) -> dict[str, Any]:
    return {"timeout": call.remaining, "metadata": call_metadata(call)}


class _Replies:
    def __init__(self, call: Any, dependency: str) -> None:
        self._call = call
        self._dependency = dependency

    async def accepted(self) -> None:
        with contextlib.suppress(grpc.aio.AioRpcError):
            await self._call.initial_metadata()

    async def receive(self) -> bytes | None:
        try:
            message: Any = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, self._dependency) from error
        return None if message is grpc.aio.EOF else message

    def cancel(self) -> None:
        self._call.cancel()


class _Conversation(_Replies):
    async def send(self, message: bytes) -> None:
        with contextlib.suppress(*_OVER):
            await self._call.write(message)

    async def end(self) -> None:
        with contextlib.suppress(*_OVER):
            await self._call.done_writing()
