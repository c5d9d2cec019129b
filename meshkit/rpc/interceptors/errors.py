"""Turns whatever leaves a handler into a `google.rpc.Status`. The text of an unexpected exception stays in the log."""

from __future__ import annotations

import asyncio
import logging

import grpc
from google.protobuf.message import Message

from meshkit.cancellation import cancelled_from_outside
from meshkit.context import set_current
from meshkit.errors import STATUS_KEY, Kind, MeshError, deadline_exceeded, internal, to_status
from meshkit.rpc.interceptors.chain import Call, Handler

__all__ = ["errors"]

_log = logging.getLogger(__name__)


async def errors(request: Message, call: Call, handler: Handler) -> Message:
    """The outermost middleware. grpc.aio would send the text of an exception to the caller."""
    set_current(call.context)
    try:
        return await handler(request, call)
    except MeshError as error:
        _log_expected(call, error)
        failure = error
    except TimeoutError:
        failure = deadline_exceeded()
    except asyncio.CancelledError:
        if cancelled_from_outside():
            raise
        # A CancelledError that nobody asked for would leave the caller without any answer.
        _log.warning("a call was cancelled from inside", extra={"fields": {"method": call.policy.path}})
        failure = MeshError(Kind.ABORTED, "CANCELLED", "the call was given up inside the service")
    except Exception:
        _log.exception("a call failed unexpectedly", extra={"fields": {"method": call.policy.path}})
        failure = internal()
    await _abort(call.servicer, failure)
    raise AssertionError("abort always raises")


async def _abort(servicer: grpc.aio.ServicerContext[Message, Message], error: MeshError) -> None:
    details = to_status(error).SerializeToString()
    await servicer.abort(error.kind.grpc_code, error.message, ((STATUS_KEY, details),))


def _log_expected(call: Call, error: MeshError) -> None:
    level = logging.ERROR if error.kind is Kind.INTERNAL else logging.INFO
    _log.log(
        level,
        error.message,
        extra={"fields": {"method": call.policy.path, "code": error.kind.name, "reason": error.reason}},
    )
