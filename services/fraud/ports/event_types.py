"""Ports of event types."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol, TypeAlias

from meshkit.named_requests import Claims, Writer
from services.fraud.domain.declaring import DeclaredType
from services.fraud.domain.event_types import EventType

__all__ = ["EventTypeChanges", "EventTypeWriter", "EventTypes"]


class EventTypes(Protocol):
    """The event types that tenants have declared."""

    async def all(self, tenant_id: str) -> Sequence[DeclaredType]:
        """Returns those of a tenant, by name. Raises MeshError UNAVAILABLE."""
        ...

    async def version(self, tenant_id: str, name: str, number: int) -> EventType | None:
        """Returns a version that a tenant has declared at any time. Raises MeshError UNAVAILABLE."""
        ...


class EventTypeChanges(Claims, Protocol):
    """One transaction on the event types of one tenant."""

    async def all(self) -> Sequence[DeclaredType]:
        """Returns those of the tenant, by name, and keeps every other change of its configuration waiting.

        Raises MeshError ABORTED if another one takes too long.
        """
        ...

    async def features(self) -> Collection[str]:
        """Returns the names of the tenant's features, also of those that every tenant has."""
        ...

    async def put(self, event_type: EventType) -> DeclaredType:
        """Stores the next version of an event type, or the first. The tenant's revision moves with it."""
        ...


EventTypeWriter: TypeAlias = Writer[EventTypeChanges]
