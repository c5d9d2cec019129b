"""Records calls as spans. Only servers of processes that trace have this middleware; it follows the call's context."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.message import Message
from opentelemetry.trace import SpanKind

from meshkit.errors import MeshError
from meshkit.rpc import spans
from meshkit.rpc.interceptors.chain import Call, Handler, Middleware
from meshkit.rpc.interceptors.metrics import code_of

if TYPE_CHECKING:
    from meshkit.tracing.span import Recorder

__all__ = ["recorded"]

PREVIOUS_ATTEMPTS = "grpc-previous-rpc-attempts"
"""What a channel that tries again says (gRFC A6). Each attempt is a span of the server's."""


def recorded(recorder: Recorder) -> Middleware:
    """Returns the middleware: what a caller records, or the sampler chooses, is a span until it is answered."""

    async def middleware(request: Message, call: Call, handler: Handler) -> Message:
        path, context = call.policy.path, call.context
        context.record(recorder, path[1:], SpanKind.SERVER, spans.attributes(path))
        if context.span is None:
            return await handler(request, call)
        context.span.attributes["rampart.request_id"] = context.request_id
        again = call.metadata.get(PREVIOUS_ATTEMPTS)
        if again is not None:
            context.span.attributes["rampart.previous_attempts"] = str(again)
        code = "OK"
        try:
            return await handler(request, call)
        except BaseException as error:
            code = code_of(error)
            if isinstance(error, MeshError):
                context.failed(error)
            raise
        finally:
            spans.end(context.span, code)

    return middleware
