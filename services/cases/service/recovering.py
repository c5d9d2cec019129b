"""Finds the place in the outbox again, from the stored decisions.

Nobody has to ask for it. A service that has followed nothing yet begins with what comes. One that has lost its place,
as after a database was restored, looks at the decisions since the newest that it knows; what took effect does so once.
A search that is interrupted begins again: what is the newest stays until the outbox is followed from the new place.
"""

from __future__ import annotations

import asyncio
import logging

from meshkit.errors import MeshError
from meshkit.following.batches import FIRST, Cursor, DecidedPage
from meshkit.following.ports import DecidedLog
from services.cases.domain.events import OVERLAP, EventOfFraud
from services.cases.ports import CaseFollowing

__all__ = ["PlaceRecovery"]

_log = logging.getLogger(__name__)

PAGE_DECISIONS = 2_000
RETRY_SECONDS = 1.0


class PlaceRecovery:
    """Implements `Recovery`. Outages of the fraud service are waited out."""

    def __init__(self, decisions: DecidedLog[EventOfFraud]) -> None:
        self._decisions = decisions

    async def run(self, writer: CaseFollowing) -> bool:
        """Finds a lost place; False if it is not lost."""
        if not await writer.lost():
            return False
        newest = await writer.newest()
        _log.info("finding the place in the outbox again", extra={"fields": {"first": newest is None}})
        # What is committed before the first page is in the pages, the rest follows its place.
        page = await self._read(FIRST, PAGE_DECISIONS if newest else 1)
        place, proof = page.batch.last, page.batch.proof
        while newest is not None:
            missed = [event for event in page.batch.items if event.decide_time >= newest - OVERLAP]
            if missed:
                await writer.enter(missed)
            if page.following is None:
                break
            page = await self._read(page.following, PAGE_DECISIONS)
        await writer.go_on(place, proof)
        return True

    async def _read(self, after: Cursor, limit: int) -> DecidedPage[EventOfFraud]:
        failing = False
        while True:
            try:
                return await self._decisions.read(after, limit)
            except MeshError as error:
                if not failing:
                    _log.warning("the decisions cannot be read: %s", error.message)
                failing = True
                await asyncio.sleep(RETRY_SECONDS)
