"""Opens streaming calls into the mesh, on serialised messages. A call that has begun is never retried."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc

from gateway.calls.streams import Conversation, Replies
from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext
from meshkit.errors import MeshError
from meshkit.rpc.channel import call_metadata
from meshkit.rpc.failures import from_rpc_error
from meshkit.rpc.spans import client_span, end

if TYPE_CHECKING:
    from meshkit.tracing.span import Span

__all__ = ["MeshStreams"]

Failure = Callable[[grpc.aio.AioRpcError], MeshError]
"""Returns what to tell of a call that failed."""

# A call that is over takes no further message. Why it is over, its replies say.
_OVER = (grpc.aio.AioRpcError, asyncio.InvalidStateError)


class MeshStreams:
    """The mesh as the streams of the gateway see it. `channels` are by short service name.

    Services that are `foreign` need not tell their errors as those of the mesh do.
    """

    def __init__(self, channels: Mapping[str, grpc.aio.Channel], *, foreign: bool = False) -> None:
        self._channels = channels
        self._foreign = foreign

    def stream(self, method: MethodPlan, request: bytes, call: CallContext) -> Replies:
        begin: Any = self._channels[method.service].unary_stream(method.full_name)
        span = client_span(method.full_name, call)
        return _Replies(begin(request, **_terms(call, span)), self._failure(method), span)

    def exchange(self, method: MethodPlan, call: CallContext) -> Conversation:
        # On the wire a method with one answer is one with several.
        begin: Any = self._channels[method.service].stream_stream(method.full_name)
        span = client_span(method.full_name, call)
        return _Conversation(begin(**_terms(call, span)), self._failure(method), span)

    def _failure(self, method: MethodPlan) -> Failure:
        if self._foreign:
            return partial(from_rpc_error, dependency="upstream", foreign=self._channels[method.service])
        return partial(from_rpc_error, dependency=method.service)


def _terms(call: CallContext, span: Span | None) -> dict[str, Any]:
    return {"timeout": call.remaining, "metadata": call_metadata(call, span)}


class _Replies:
    def __init__(self, call: Any, failure: Failure, span: Span | None) -> None:
        self._call = call
        self._failure = failure
        self._span = span

    async def accepted(self) -> None:
        with contextlib.suppress(grpc.aio.AioRpcError):
            await self._call.initial_metadata()

    async def receive(self) -> bytes | None:
        try:
            message: Any = await self._call.read()
        except grpc.aio.AioRpcError as error:
            self._end(error.code().name)
            raise self._failure(error) from error
        if message is grpc.aio.EOF:
            self._end("OK")
            return None
        answer: bytes = message
        return answer

    def cancel(self) -> None:
        self._call.cancel()
        self._end("CANCELLED")

    def _end(self, code: str) -> None:
        span, self._span = self._span, None
        if span is not None:
            end(span, code)


class _Conversation(_Replies):
    async def send(self, message: bytes) -> None:
        with contextlib.suppress(*_OVER):
            await self._call.write(message)

    async def end(self) -> None:
        with contextlib.suppress(*_OVER):
            await self._call.done_writing()
