"""Ports of daily totals: what the events of a key come to by day, for windows of more than 30 days."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from services.fraud.domain.event import StoredEvent
from services.fraud.domain.logs.day_recording import StreamValue
from services.fraud.domain.logs.days import Days

__all__ = ["DailyKey", "DailyTotals", "EventPage", "StreamReach", "TotalsKeeping"]


class DailyKey(NamedTuple):
    """Names the totals of one value of a key."""

    tenant_id: str
    stream: int
    """See `DailyStream`."""
    value: str


class DailyTotals(Protocol):
    """The totals, as checks read them."""

    async def read(self, keys: Sequence[DailyKey]) -> Mapping[DailyKey, bytes]:
        """Returns the days of keys, packed (see `pack_days`); no bytes for one that has none.

        One is left out whose stream is not whole, or lacks decisions of more than a day ago. Raises MeshError
        UNAVAILABLE.
        """
        ...


class StreamReach(NamedTuple):
    """How far a stream is totalled."""

    reached: UUID
    """Every decision up to this identifier is in the totals, and none after it."""
    whole: bool
    """True once they have all that was kept when the stream began."""
    dropped: bool = False
    """True while its totals are being deleted."""


class EventPage(NamedTuple):
    """Stored events in the order of their decisions."""

    events: Sequence[StoredEvent]
    reached: UUID
    """Up to where these are all."""
    last: bool
    """True if nothing else can be totalled yet."""


class TotalsKeeping(Protocol):
    """The totals of all tenants, as they are made. Every coroutine raises MeshError UNAVAILABLE."""

    async def streams(self, tenant_id: str) -> Mapping[int, StreamReach]:
        """Returns what is totalled."""
        ...

    async def begin(self, tenant_id: str, streams: Collection[int]) -> None:
        """Begins streams, at the first decision that they can have."""
        ...

    async def page(
        self, tenant_id: str, types: Collection[str], after: UUID, until: UUID | None, most: int
    ) -> EventPage:
        """Returns at most so many events of some types, of decisions after one and up to another.

        Decisions are left for later that were made in the last ten minutes: others may be stored before them yet.
        """
        ...

    async def take(
        self, tenant_id: str, streams: Collection[int], before: UUID, reached: UUID, totals: Mapping[StreamValue, Days]
    ) -> bool:
        """Adds totals to streams and moves these on, all of it or nothing. False if one of them is not at `before`."""
        ...

    async def finish(self, tenant_id: str, streams: Collection[int]) -> None:
        """Says that streams are whole, and moves the tenant's revision."""
        ...

    async def drop(self, tenant_id: str, stream: int) -> bool:
        """Deletes a part of a stream's totals, and with the last of them the stream. True if there may be more.

        Nothing is read of it from then on, and the tenant's revision moves.
        """
        ...

    async def forget(self, tenant_id: str, first_day: int) -> bool:
        """Deletes some of the totals of days before one. True if there may be more of them."""
        ...
