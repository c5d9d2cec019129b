"""What the edge knows about one call when it hands it to the mesh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.compile.plan import MethodPlan
from meshkit.context import Principal

__all__ = ["CacheUse", "CallInfo", "Upstream"]


@dataclass(slots=True)
class CacheUse:
    """How one call uses earlier answers (see `gateway.calls.cache`)."""

    fresh: bool = False
    """True if the caller wants an answer that is made now."""
    age: float | None = None
    """Seconds since an earlier answer, if that is what the call got."""
    generation: int = 0
    """Number of the last change of what is read. Calls before and after a change never share one read."""


class CallInfo:
    """The caller, the identity and the time limit of one call."""

    __slots__ = ("cache", "deadline", "principal", "request_id", "token", "traceparent")

    def __init__(
        self, *, token: str, principal: Principal | None, request_id: str, traceparent: str, deadline: float
    ) -> None:
        self.token = token
        """The access token, as sent. Empty for a public method."""
        self.principal = principal
        self.request_id = request_id
        self.traceparent = traceparent
        self.deadline = deadline
        """`time.monotonic()` at which the answer is of no use."""
        self.cache: CacheUse | None = None
        """Only for methods whose answers may be used again."""


class Upstream(Protocol):
    """The mesh behind the edge."""

    async def call(self, method: MethodPlan, request: bytes, call: CallInfo) -> bytes:
        """Sends a serialised request and returns the serialised response. Raises MeshError."""
        ...
