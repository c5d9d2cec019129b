"""One unary call: its deadline, token, metadata, retries and error."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypedDict, TypeVar, cast

import betterproto2
import grpc
import grpc.aio

from ._ids import new_id, with_ids
from ._retry import RetryPolicy
from ._trace import traceparent
from .errors import RampartError, from_call

Request = TypeVar("Request", bound=betterproto2.Message)
Response = TypeVar("Response", bound=betterproto2.Message)
Part = TypeVar("Part")


class CallOptions(TypedDict, total=False):
    """What a call may say for itself: its deadline in seconds, its identifier in the logs, its trace context."""

    timeout: float
    request_id: str
    traceparent: str


@dataclass(frozen=True, kw_only=True)
class Method(Generic[Request, Response]):
    """What the contract says about a method. `timeout` is in seconds, `ids` names the fields that need a value."""

    path: str
    request: type[Request]
    response: type[Response]
    timeout: float
    retryable: bool
    public: bool
    ids: tuple[str, ...] = ()


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
        self._retries.earn()
        attempts, refused = 0, False
        while True:
            try:
                return await self._attempt(method, request, call)
            except RampartError as error:
                attempts += 1
                if error.reason == "TOKEN_INVALID" and not method.public and not refused:
                    refused = True
                    continue
                delay = None
                if method.retryable:
                    delay = self._retries.delay(error, attempts=attempts, remaining=call.remaining())
                if delay is None:
                    raise
            await asyncio.sleep(delay)

    async def _attempt(self, method: Method[Request, Response], request: Request, call: _Call) -> Response:
        token = None if method.public else await self._token(call)
        metadata = [*call.metadata, ("authorization", f"Bearer {token}")] if token else call.metadata
        try:
            answer = await self._stub(method)(request, timeout=max(call.remaining(), 0.001), metadata=metadata)
        except grpc.aio.AioRpcError as error:
            failure = from_call(error, call.request_id)
            if token and self._tokens and failure.reason == "TOKEN_INVALID":
                self._tokens.reject(token)
            raise failure from None
        return cast(Response, answer)

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
        trace = options.get("traceparent") or traceparent()
        self.metadata = [("x-request-id", self.request_id), ("traceparent", trace)]

    def remaining(self) -> float:
        """Seconds left."""
        return self._deadline - self._loop.time()


def present(part: Part | None) -> Part:
    """Returns the part of an answer that the contract promises. Raises RampartError if it is missing."""
    if part is None:
        raise RampartError(grpc.StatusCode.INTERNAL, "the answer is empty")
    return part
