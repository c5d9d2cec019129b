"""Tells every process which access tokens are refused, from memory that follows the database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from prometheus_client import Gauge

from meshkit.errors import MeshError, unavailable
from services.auth.domain.revocations import Revocation, RevocationKind, ToldRevocations
from services.auth.ports.revocations import RevocationRecord, RevocationSource

__all__ = ["INTERVAL_SECONDS", "RevocationFeed"]

_log = logging.getLogger(__name__)
_kept = Gauge("auth_revocations", "Revocations that are told to every process.")

INTERVAL_SECONDS = 1.0
TOLD_FOR = timedelta(minutes=10)
"""After its end a revocation goes on to be told, so that everybody hears that one without an end has one now."""
PAGE = 10_000

_Name = tuple[str, RevocationKind, str]


class RevocationFeed:
    """Keeps the revocations of all tenants, at most a second old.

    A place is the number of a transaction, which means the same to every replica: whoever asks one now and another then
    misses nothing. `changed` is called with all there are at first and whenever that changes.
    """

    def __init__(
        self,
        source: RevocationSource,
        clock: Callable[[], datetime],
        changed: Callable[[Sequence[Revocation]], None] = lambda _: None,
        *,
        page: int = PAGE,
    ) -> None:
        self._source = source
        self._clock = clock
        self._changed = changed
        self._page = page
        self._known: dict[_Name, RevocationRecord] = {}
        self._ordered: list[RevocationRecord] = []
        self._place = 0
        self._turn = asyncio.Lock()
        self._asked = self._answered = 0
        self._failure: MeshError | None = None

    async def refresh(self) -> None:
        """Reads what was revoked since the last time, so that all is known that was committed before.

        Whoever asks while a reading is under way shares the next one. Raises UNAVAILABLE.
        """
        self._asked = asked = self._asked + 1
        async with self._turn:
            if self._answered < asked:
                answered = self._asked
                self._failure = await self._failing_read()
                self._answered = answered
            if self._failure is not None:
                raise self._failure

    async def _failing_read(self) -> MeshError | None:
        try:
            await self._read()
        except MeshError as error:
            return error
        return None

    async def _read(self) -> None:
        page = await self._source.read(self._place)
        first, self._place = not self._place, page.next
        new = {_name(record): record for record in page.records}
        if first or any(self._known.get(name) != record for name, record in new.items()):
            self._known |= new
            self._known = {name: each for name, each in self._known.items() if not self._over(each.revocation)}
            self._ordered = sorted(self._known.values(), key=attrgetter("xid"))
            _kept.set(len(self._ordered))
            self._changed([record.revocation for record in self._ordered])

    async def follow(self) -> None:
        """Refreshes once a second for ever. While the store is down, what is known goes on to be told."""
        while True:
            try:
                await self.refresh()
            except MeshError as error:
                _log.warning("revocations cannot be read: %s", error.message)
            await asyncio.sleep(INTERVAL_SECONDS)

    async def check(self) -> None:
        """Raises until the revocations have been read once."""
        if not self._place:
            raise unavailable("postgres")

    def since(self, place: int) -> ToldRevocations:
        """Returns what was revoked since a place, 0 for the beginning. Raises UNAVAILABLE until they have been read."""
        if not self._place:
            raise unavailable("postgres")
        found = [record for record in self._ordered if record.xid >= place] if place else self._ordered
        if len(found) <= self._page:
            return ToldRevocations([record.revocation for record in found], max(place, self._place), more=False)
        # All of one transaction go together, so that a place is never in the middle of one.
        last = found[self._page - 1].xid
        taken = [record.revocation for record in found if record.xid <= last]
        return ToldRevocations(taken, last + 1, more=len(taken) < len(found))

    def _over(self, revocation: Revocation) -> bool:
        return revocation.until is not None and revocation.until < self._clock() - TOLD_FOR


def _name(record: RevocationRecord) -> _Name:
    revocation = record.revocation
    return revocation.tenant_id, revocation.kind, revocation.name
