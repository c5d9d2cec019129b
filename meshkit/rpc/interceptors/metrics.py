"""Counts and times calls by method and code. Label children are resolved once, not per call."""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache

from google.protobuf.message import Message
from prometheus_client import Counter, Histogram

from meshkit.errors import MeshError
from meshkit.rpc.interceptors.chain import Call, Handler

__all__ = ["metrics"]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.18, 0.25, 0.5, 1.0, 2.5)
_handled = Counter("grpc_server_handled", "Calls answered, by method and code.", ["method", "code"])
_seconds = Histogram("grpc_server_handling_seconds", "Time to answer a call.", ["method"], buckets=_BUCKETS)
_handled_of = lru_cache(maxsize=None)(_handled.labels)
_seconds_of = lru_cache(maxsize=None)(_seconds.labels)


def code_of(error: BaseException) -> str:
    """Returns the name of the code that callers are told of a failed call."""
    match error:
        case MeshError():
            return error.kind.name
        case TimeoutError():
            return "DEADLINE_EXCEEDED"
        case asyncio.CancelledError():
            return "CANCELLED"
        case _:
            return "INTERNAL"


async def metrics(request: Message, call: Call, handler: Handler) -> Message:
    start = time.perf_counter()
    code = "OK"
    try:
        return await handler(request, call)
    except BaseException as error:
        code = code_of(error)
        raise
    finally:
        _handled_of(call.policy.path, code).inc()
        _seconds_of(call.policy.path).observe(time.perf_counter() - start)
