"""Bounds streams of answers and ends them: by number, by the end of their token, at the stop of the process.

A stream may last for hours. It takes no place among the calls that `Admission` counts, it is not waited for when the
process stops, and it does not outlive the token that it was opened with.
"""

from __future__ import annotations

import asyncio

from google.protobuf.message import Message
from prometheus_client import Counter, Gauge

from meshkit.errors import Kind, MeshError
from meshkit.identity.claims import token_invalid
from meshkit.identity.revocations import token_revoked
from meshkit.identity.tokens import TokenVerifier
from meshkit.rpc.interceptors.chain import Call, Handler, Middleware
from meshkit.rpc.interceptors.metrics import code_of
from meshkit.rpc.interceptors.places import CallPlaces

__all__ = ["StreamAdmission", "expiry", "stream_metrics"]

_open = Gauge("grpc_server_streams", "Streams that are open, by method.", ["method"])
_ended = Counter("grpc_server_streams_ended", "Streams that have ended, by method and code.", ["method", "code"])


class StreamAdmission:
    """A middleware that refuses streams above `limit` or a caller's part of it, and ends all when the process stops."""

    def __init__(self, limit: int) -> None:
        self._places = CallPlaces(limit, "many streams", retry_after=5.0)
        self._lives: set[asyncio.Timeout] = set()
        self._ended = False

    def __len__(self) -> int:
        return len(self._lives)

    async def __call__(self, request: Message, call: Call, handler: Handler) -> Message:
        if self._ended:
            raise _stopping(call)
        self._places.take(call.context.peer)
        life = asyncio.timeout(None)
        try:
            async with life:
                self._lives.add(life)
                return await handler(request, call)
        except TimeoutError:
            if life.expired():
                raise _stopping(call) from None
            raise
        finally:
            self._lives.discard(life)
            self._places.leave(call.context.peer)

    def end(self) -> None:
        """Ends every stream with UNAVAILABLE, and refuses new ones."""
        self._ended = True
        for life in self._lives:
            _end_now(life)


def expiry(verifier: TokenVerifier) -> Middleware:
    """Returns the middleware that ends a stream when its token expires or is revoked. It follows `authorization`."""

    async def middleware(request: Message, call: Call, handler: Handler) -> Message:
        principal = call.context.principal
        if principal is None:
            return await handler(request, call)
        life = asyncio.timeout(verifier.remaining(call.context.token))
        try:
            async with life:
                with verifier.revocations.watch(principal, lambda: _end_now(life)):
                    return await handler(request, call)
        except TimeoutError:
            if not life.expired():
                raise
            if verifier.revocations.refuses(principal):
                raise token_revoked() from None
            raise token_invalid("has expired") from None

    return middleware


async def stream_metrics(request: Message, call: Call, handler: Handler) -> Message:
    """Counts streams apart from other calls, among whose times they would look like calls that hang."""
    code = "OK"
    _open.labels(call.policy.path).inc()
    try:
        return await handler(request, call)
    except BaseException as error:
        code = code_of(error)
        raise
    finally:
        _open.labels(call.policy.path).dec()
        _ended.labels(call.policy.path, code).inc()


def _end_now(life: asyncio.Timeout) -> None:
    if not life.expired():
        life.reschedule(asyncio.get_running_loop().time())


def _stopping(call: Call) -> MeshError:
    return MeshError(
        Kind.UNAVAILABLE,
        "DEPENDENCY_UNAVAILABLE",
        "the service is stopping: start the stream again after its last place",
        metadata={"dependency": call.policy.path[1:].partition("/")[0]},
        retry_after=0.1,
    )
