"""The port of unary calls into the mesh, and how a call may use earlier answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.compile.plan import MethodPlan
from meshkit.context import CallContext

__all__ = ["CacheUse", "Upstream"]


@dataclass(slots=True)
class CacheUse:
    """How one call uses earlier answers (see `gateway.calls.cache`)."""

    fresh: bool = False
    """True if the caller wants an answer that is made now."""
    age: float | None = None
    """Seconds since an earlier answer, if that is what the call got."""
    generation: int = 0
    """Number of the last change of what is read. Calls before and after a change never share one read."""


class Upstream(Protocol):
    """The mesh behind the edge."""

    async def call(self, method: MethodPlan, request: bytes, call: CallContext, use: CacheUse | None = None) -> bytes:
        """Sends a serialised request and returns the serialised response. Raises MeshError.

        `use` says how earlier answers may serve, and hears whether one did.
        """
        ...
