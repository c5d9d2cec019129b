"""The port of streaming calls into the mesh."""

from __future__ import annotations

from typing import Protocol

from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext
from meshkit.errors import unavailable

__all__ = ["Conversation", "NoStreams", "Replies", "StreamUpstream"]


class Replies(Protocol):
    """The answers of one call, read only as fast as `receive` is called."""

    async def accepted(self) -> None:
        """Returns when the service has taken the call, or when the call is over."""
        ...

    async def receive(self) -> bytes | None:
        """Returns the next serialised answer, None after the last of a call that went well. Raises MeshError."""
        ...

    def cancel(self) -> None:
        """Ends the call. Does nothing to one that is over."""
        ...


class Conversation(Replies, Protocol):
    """A call to which the caller sends several messages."""

    async def send(self, message: bytes) -> None:
        """Sends a serialised request, no faster than the service reads. After the end of the call it is dropped."""
        ...

    async def end(self) -> None:
        """Says that no further request comes."""
        ...


class StreamUpstream(Protocol):
    """The mesh behind the streams. Calls begin at once; what goes wrong is raised by `receive`."""

    def stream(self, method: MethodPlan, request: bytes, call: CallContext) -> Replies:
        """Calls a method that answers with several messages."""
        ...

    def exchange(self, method: MethodPlan, call: CallContext) -> Conversation:
        """Calls a method that takes several messages."""
        ...


class NoStreams:
    """A mesh without streams."""

    def stream(self, method: MethodPlan, request: bytes, call: CallContext) -> Replies:
        raise unavailable(method.service)

    def exchange(self, method: MethodPlan, call: CallContext) -> Conversation:
        raise unavailable(method.service)
