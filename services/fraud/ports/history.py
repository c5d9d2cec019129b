"""The port of the history of keys: the stored events, for logs that do not hold all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from services.fraud.domain.event import StoredEvent

__all__ = ["History", "HistoryKey", "KeyHistory"]


class HistoryKey(NamedTuple):
    """Whose events are asked for: those of some types that have these values, later than a time."""

    tenant_id: str
    values: tuple[tuple[str, str], ...]
    """Fields of the key, each with its value."""
    event_types: tuple[str, ...]
    columns: tuple[int, ...]
    """Those that have the first field in these types."""
    since: datetime | None
    """None for all there are."""
    places: bool = False
    """True to be told where events were."""
    labels: bool = False
    """True to be told what labels say of them."""


class KeyHistory(NamedTuple):
    """Events of a key, the latest first."""

    events: Sequence[StoredEvent]
    whole: bool
    """False if there are more than were asked for: then some of them, or none."""


class History(Protocol):
    """The stored events by their keys. Every coroutine raises MeshError UNAVAILABLE."""

    async def read(self, keys: Sequence[HistoryKey], most: int, *, apart: bool = False) -> Sequence[KeyHistory]:
        """Returns up to `most` events of each key. With `apart` no commit waits for it."""
        ...

    async def first_decided(self, tenants: Collection[str]) -> Mapping[str, datetime]:
        """Returns when the first decision of each tenant that is still stored was made; those without any lack."""
        ...

    async def has_more_than(self, count: int, tenant_id: str, since: datetime) -> bool:
        """Tells whether more decisions were made since a time."""
        ...

    def events(
        self, tenant_id: str, since: datetime, *, places: bool = False, labels: bool = False
    ) -> AsyncIterator[Sequence[StoredEvent]]:
        """Yields all events of decisions that were made since a time, in pages, in the order of decisions.

        Where they were is told if `places` says so, and what labels say of them if `labels` does.
        """
        ...

    async def unlogged(self, tenants: Collection[str]) -> Mapping[str, Collection[UUID]]:
        """Returns the decisions of the gaps of tenants (see `LogGaps`): those that their logs may lack."""
        ...

    async def decided_events(self, tenant_id: str, decisions: Collection[UUID]) -> Sequence[StoredEvent]:
        """Returns the events of decisions, and where they were. Those that are not stored lack."""
        ...
