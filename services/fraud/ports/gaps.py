"""The port of gaps: decisions that were committed while the entity logs could not be written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

__all__ = ["Gap", "LogGaps"]


class Gap(NamedTuple):
    """A tenant whose logs lack decisions."""

    tenant_id: str
    opened: datetime
    """When the first of them was committed."""
    filled: timedelta | None
    """How long ago they were put into the logs, by the clock that keeps gaps; None if they are not there yet."""
    numbers: Sequence[int]
    """Of the entries that make up the gap."""


class LogGaps(Protocol):
    """The gaps of all tenants. Every method raises MeshError UNAVAILABLE."""

    async def open(self) -> Sequence[Gap]:
        """Returns the gaps, one of each tenant that are filled and one that are not."""
        ...

    async def decisions(self, gap: Gap) -> Sequence[UUID]:
        """Returns those that were made without a record in the logs."""
        ...

    async def fill(self, gap: Gap) -> None:
        """Notes that the logs have what they lacked."""
        ...

    async def close(self, gap: Gap) -> None:
        """Lets the tenant be decided about from its logs again."""
        ...
