"""One call, with one answer or a stream of them: its deadline, token, metadata, retries and error."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypedDict, TypeVar, cast

import betterproto2
import grpc
import grpc.aio

from ._ids import new_id, with_ids
from ._retry import RetryPolicy
from ._trace import trace_context
from .errors import RampartError, from_call

Request = TypeVar("Request", bound=betterproto2.Message)
Response = TypeVar("Response", bound=betterproto2.Message)
Part = TypeVar("Part")

_REFUSED_TOKENS = ("TOKEN_INVALID", "TOKEN_REVOKED")
"""Reasons for which a new token may help."""

FOREVER = 10 * 365 * 86_400.0
"""Seconds that a stream lasts that is given no timeout."""


class CallOptions(TypedDict, total=False):
    """What a call may say for itself: its deadline in seconds, its identifier in the logs, its trace context."""

    timeout: float
    request_id: str
    traceparent: str


@dataclass(frozen=True, kw_only=True)
class Method(Generic[Request, Response]):
    """What the contract says about a method. `timeout` is in seconds, `ids` names the fields that need a value.

    `resume` names the field of the request that takes a place in the stream, and that of the answers that has one.
    """

    path: str
    request: type[Request]
    response: type[Response]
    timeout: float
    retryable: bool
    public: bool
    ids: tuple[str, ...] = ()
    resume: tuple[str, str] | None = None


class Tokens(Protocol):
    """Where access tokens come from."""

    async def token(self) -> str:
        """Returns a token that is valid now."""
        ...

    def reject(self, token: str) -> None:
        """Forgets a token that a service has refused."""
        ...


class Caller:
    """Calls the methods of one service."""

    def __init__(self, channel: grpc.aio.Channel, *, retries: RetryPolicy, tokens: Tokens | None = None) -> None:
        self._channel = channel
        self._retries = retries
        self._tokens = tokens
        self._stubs: dict[str, grpc.aio.UnaryUnaryMultiCallable[Any, Any]] = {}

    async def call(self, method: Method[Request, Response], request: Request, options: CallOptions) -> Response:
        """Sends the request until it is answered, its deadline passes or no retry is allowed. Raises RampartError."""
        call = _Call(options, method.timeout)
        request = with_ids(request, method.ids)
        attempts = _Attempts(method, self._retries, call)
        while True:
            try:
                return await self._attempt(method, request, call)
            except RampartError as error:
                await attempts.again(error)

    async def stream(
        self, method: Method[Request, Response], request: Request, options: CallOptions
    ) -> AsyncGenerator[Response, None]:
        """Yields answers until the stream ends, its timeout passes or the generator is closed. Raises RampartError.

        A stream that breaks off is begun again after the place of its last answer; without places it is an error.
        """
        call = _Call(options, FOREVER)
        attempts = _Attempts(method, self._retries, call)
        while True:
            try:
                async with aclosing(self._answers(method, request, call)) as answers:
                    async for answer in answers:
                        request = _after(method, request, answer)
                        attempts.answered()
                        yield answer
                return
            except RampartError as error:
                await attempts.again(error)

    async def _attempt(self, method: Method[Request, Response], request: Request, call: _Call) -> Response:
        token = None if method.public else await self._token(call)
        try:
            answer = await self._stub(method)(
                request, timeout=max(call.remaining(), 0.001), metadata=call.metadata_with(token)
            )
        except grpc.aio.AioRpcError as error:
            raise self._failure(error, call, token) from None
        return cast(Response, answer)

    async def _answers(
        self, method: Method[Request, Response], request: Request, call: _Call
    ) -> AsyncGenerator[Response, None]:
        """Streams once, for as long as the method allows one stream to last."""
        token = None if method.public else await self._token(call)
        timeout = max(min(call.remaining(), method.timeout), 0.001)
        begin: Any = self._channel.unary_stream(
            method.path, request_serializer=bytes, response_deserializer=method.response.parse
        )
        stream = begin(request, timeout=timeout, metadata=call.metadata_with(token))
        try:
            async for answer in stream:
                yield answer
        except grpc.aio.AioRpcError as error:
            raise self._failure(error, call, token) from None
        finally:
            stream.cancel()

    def _failure(self, error: grpc.aio.AioRpcError, call: _Call, token: str | None) -> RampartError:
        failure = from_call(error, call.request_id)
        if token and self._tokens and failure.reason in _REFUSED_TOKENS:
            self._tokens.reject(token)
        return failure

    async def _token(self, call: _Call) -> str | None:
        if self._tokens is None:
            return None
        try:
            async with asyncio.timeout(call.remaining()):
                return await self._tokens.token()
        except TimeoutError:
            message = "no access token within the deadline"
            raise RampartError(grpc.StatusCode.DEADLINE_EXCEEDED, message, request_id=call.request_id) from None

    def _stub(self, method: Method[Request, Response]) -> grpc.aio.UnaryUnaryMultiCallable[Any, Any]:
        stub = self._stubs.get(method.path)
        if stub is None:
            stub = self._channel.unary_unary(
                method.path, request_serializer=bytes, response_deserializer=method.response.parse
            )
            self._stubs[method.path] = stub
        return stub


class _Call:
    """The deadline and the metadata that all attempts of one call share."""

    def __init__(self, options: CallOptions, timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + options.get("timeout", timeout)
        self.request_id = options.get("request_id") or new_id()
        given = options.get("traceparent")
        trace = [("traceparent", given)] if given else trace_context()
        self.metadata = [("x-request-id", self.request_id), *trace]

    def remaining(self) -> float:
        """Seconds left."""
        return self._deadline - self._loop.time()

    def metadata_with(self, token: str | None) -> list[tuple[str, str]]:
        return [*self.metadata, ("authorization", f"Bearer {token}")] if token else self.metadata


class _Attempts:
    """Counts the attempts of one call and says whether there is another."""

    def __init__(self, method: Method[Any, Any], retries: RetryPolicy, call: _Call) -> None:
        self._method = method
        self._retries = retries
        self._call = call
        self._failed = 0
        self._refused = False
        self._begun = False
        retries.earn()

    def answered(self) -> None:
        """Notes an answer of a stream: what fails after it is a new beginning."""
        self._failed, self._refused, self._begun = 0, False, True

    async def again(self, error: RampartError) -> None:
        """Waits until the next attempt. Raises the error if there is to be none."""
        if self._begun and self._method.resume is None:
            raise error
        self._failed += 1
        if error.reason in _REFUSED_TOKENS and not self._method.public and not self._refused:
            self._refused = True
            return
        if self._has_lasted(error):
            return
        delay = None
        if self._method.retryable:
            left = self._call.remaining()
            delay = self._retries.delay(error, attempts=self._failed, remaining=left, resumed=self._begun)
        if delay is None:
            raise error
        await asyncio.sleep(delay)

    def _has_lasted(self, error: RampartError) -> bool:
        """Tells whether a stream has ended only because one stream may last no longer."""
        ended = error.code is grpc.StatusCode.DEADLINE_EXCEEDED and self._failed == 1
        return ended and self._begun and self._call.remaining() > 0


def _after(method: Method[Request, Response], request: Request, answer: Response) -> Request:
    """Returns the request that begins after an answer."""
    if method.resume is None:
        return request
    after, place = method.resume
    # Every message is a dataclass, which its base class does not say to the type checker.
    message: Any = request
    return cast(Request, dataclasses.replace(message, **{after: getattr(answer, place)}))


def present(part: Part | None) -> Part:
    """Returns the part of an answer that the contract promises. Raises RampartError if it is missing."""
    if part is None:
        raise RampartError(grpc.StatusCode.INTERNAL, "the answer is empty")
    return part
