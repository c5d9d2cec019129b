"""Fills the logs of tenants anew.

New logs are begun beside those that are read, written by every process, filled from the store, and then read, as those
of new columns are (docs/features.md, "How a change takes effect").
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import NamedTuple

from services.fraud.domain.declaring import all_types
from services.fraud.ports import FeatureReads, FeatureWriter

__all__ = ["RebuildProgress", "Rebuilds"]

POLL_SECONDS = 1.0
FILLING, DONE = "filling", "done"


class RebuildProgress(NamedTuple):
    """How far a rebuild is."""

    state: str
    features: int
    """The number of the set whose logs are filled."""


class Rebuilds:
    """Begins rebuilds and follows them. They go on by themselves."""

    def __init__(self, features: FeatureReads, writer: FeatureWriter, poll_seconds: float = POLL_SECONDS) -> None:
        self._features = features
        self._writer = writer
        self._poll_seconds = poll_seconds

    async def rebuild(self, tenant_id: str) -> AsyncGenerator[RebuildProgress, None]:
        """Tells how far it is until the new logs are read. Raises CONFLICT and UNAVAILABLE."""
        number = await self._begin(tenant_id)
        yield RebuildProgress(FILLING, number)
        while True:
            declared = await self._features.declared(tenant_id)
            if declared.ready.number >= number:
                yield RebuildProgress(DONE, number)
                return
            await asyncio.sleep(self._poll_seconds)

    async def _begin(self, tenant_id: str) -> int:
        """Begins a rebuild, unless one is under way. Returns the number of its set."""
        async with self._writer.begin(tenant_id) as changes:
            declared = await changes.declared()
            types = {name: each.event_type for name, each in all_types(await changes.event_types()).items()}
            current, following = declared.current, declared.current.rebuilt(types)
            begun = {current.since.get(kind) for kind in following.since}
            if current.number != declared.ready.number and begun == {current.number}:
                return current.number
            return (await changes.put(following)).number
