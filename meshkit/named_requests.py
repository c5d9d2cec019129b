"""Carries out changes once, however often they are asked for under one name (AIP-155)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from google.protobuf.message import Message

from meshkit.errors import Kind, MeshError

__all__ = [
    "Answered",
    "Claims",
    "IdempotentChanges",
    "NamedRequest",
    "Writer",
    "named_request",
    "request_differs",
    "request_under_way",
]


@dataclass(frozen=True, slots=True)
class NamedRequest:
    """What a caller asks for under a name of its choice."""

    request_id: UUID
    method: str
    fingerprint: bytes
    """Equal for equal content."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to the request that had the name first."""

    method: str
    fingerprint: bytes
    response: bytes
    """The serialised response."""

    def answers(self, request: NamedRequest) -> bool:
        """Tells whether a request is the same again."""
        return (self.method, self.fingerprint) == (request.method, request.fingerprint)


class Claims(Protocol):
    """The names of requests in one transaction on the rows of one tenant."""

    async def claim(self, request: NamedRequest) -> Answered | None:
        """Takes the name of a request for this transaction; returns what was answered if it is taken.

        Waits while another transaction has claimed it and has not ended. Raises MeshError ABORTED after a while.
        """
        ...

    async def answer(self, request_id: UUID, response: bytes) -> None:
        """Keeps the response to a request that this transaction has claimed."""
        ...


Changes_ = TypeVar("Changes_", bound=Claims)
Response = TypeVar("Response", bound=Message)
Changes_co = TypeVar("Changes_co", bound=Claims, covariant=True)


class Writer(Protocol[Changes_co]):
    """Makes changes."""

    def begin(self, tenant_id: str) -> AbstractAsyncContextManager[Changes_co]:
        """Opens a transaction: what is done in the block is there after it, all of it, or nothing if it raises."""
        ...


class IdempotentChanges(Generic[Changes_]):
    """Carries out changes. The response to a named request is stored in the transaction of its effect.

    Either both are there or neither, so a retry either finds the first answer or is the first. A change that fails
    leaves no trace: its name can be used again.
    """

    def __init__(self, writer: Writer[Changes_]) -> None:
        self._writer = writer

    async def run(
        self, tenant_id: str, request: NamedRequest | None, change: Callable[[Changes_], Awaitable[bytes]]
    ) -> bytes:
        """Returns the serialised response of the change, or to the first request of this name.

        Raises IDEMPOTENCY_CONFLICT.
        """
        async with self._writer.begin(tenant_id) as changes:
            if request is None:
                return await change(changes)
            earlier = await changes.claim(request)
            if earlier is None:
                response = await change(changes)
                await changes.answer(request.request_id, response)
                return response
        if not earlier.answers(request):
            raise request_differs(str(request.request_id))
        return earlier.response

    async def respond(
        self,
        tenant_id: str,
        request: NamedRequest | None,
        change: Callable[[Changes_], Awaitable[Response]],
        answer: type[Response],
    ) -> Response:
        """Does the same for a change that returns a message."""

        async def serialised(changes: Changes_) -> bytes:
            return (await change(changes)).SerializeToString()

        return answer.FromString(await self.run(tenant_id, request, serialised))


def named_request(message: Any, reduce: Callable[[Any], None]) -> NamedRequest | None:
    """Returns the name of a request and what it is worth, None if it has none.

    Of equal worth are requests that `reduce` makes equal: it takes away what changes nothing of what they store.
    """
    if not message.request_id:
        return None
    content = type(message).FromString(message.SerializeToString())
    # The same UUID can be written in more than one way.
    content.request_id = ""
    reduce(content)
    fingerprint = blake2b(content.SerializeToString(deterministic=True), digest_size=16).digest()
    return NamedRequest(UUID(message.request_id), message.DESCRIPTOR.name.removesuffix("Request"), fingerprint)


def request_differs(request_id: str) -> MeshError:
    return MeshError(
        Kind.ALREADY_EXISTS,
        "IDEMPOTENCY_CONFLICT",
        "request_id was used for a request with other content",
        metadata={"request_id": request_id},
    )


def request_under_way() -> MeshError:
    """The first request of this name took longer than its repetition could wait."""
    return MeshError(
        Kind.ABORTED, "CONFLICT", "the first request with this request_id is still under way", retry_after=1.0
    )
