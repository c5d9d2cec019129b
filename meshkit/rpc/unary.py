"""Makes one unary call for another call: its metadata, its span, its error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from meshkit.context import CallContext
from meshkit.rpc import spans
from meshkit.rpc.channel import call_metadata
from meshkit.rpc.failures import from_rpc_error

if TYPE_CHECKING:
    from meshkit.tracing.span import Span

__all__ = ["invoke"]


async def invoke(
    method: Any,
    request: Any,
    *,
    timeout: float | None,
    call: CallContext,
    span: Span | None,
    dependency: str,
    foreign: grpc.aio.Channel | None = None,
) -> Any:
    """Calls a method of a channel within `timeout` seconds and ends its span. Raises MeshError.

    `dependency` is what an error names; `foreign` is the channel of a
    service that need not tell its errors as those of the mesh do.
    """
    code = "CANCELLED"
    try:
        answer = await method(request, timeout=timeout, metadata=call_metadata(call, span))
        code = "OK"
    except grpc.aio.AioRpcError as error:
        code = error.code().name
        raise from_rpc_error(error, dependency, foreign=foreign) from error
    finally:
        if span is not None:
            spans.end(span, code)
    return answer
