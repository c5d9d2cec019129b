"""Publishes the outbox onto the event stream, in order, from one process at a time.

The relay writes nothing in PostgreSQL: its position is the last entry of the stream. What the stream loses is not
published again; consumers notice the gap and read it from the outbox.
"""

from __future__ import annotations

import asyncio
import logging
import time

from prometheus_client import Counter, Gauge

from meshkit.errors import MeshError
from meshkit.ids import uuid7_text
from meshkit.storage.event_stream import EventStream
from meshkit.storage.leader import Leader, Session
from services.fraud.adapters.outbox_rows import newest_place, oldest_waiting, read_rows
from services.fraud.convert import page_to_proto, place_from_entry
from services.fraud.domain.outbox import BEGINNING, OutboxPage, Place

__all__ = ["OutboxRelay"]

_log = logging.getLogger(__name__)
_lag = Gauge("outbox_lag_seconds", "Age of the oldest row that the leading relay has not published.")
_published = Counter("outbox_published", "Rows that were published onto the event stream.")

BATCH_ROWS = 1_000
# Rows wait this long at most when commits come all the time. Every read of the outbox, its entry and the transaction
# with which the ledger takes it cost the same for few rows as for many.
PACE_SECONDS = 0.2
IDLE_SECONDS = 0.5
MAX_BACKOFF = 1.0


class OutboxRelay:
    """A task of every replica of the fraud service; one of them publishes."""

    def __init__(self, dsn: str, stream: EventStream) -> None:
        self._stream = stream
        self._leader = Leader(dsn, "outbox relay", self._relay)
        self._committed = asyncio.Event()
        self._oldest: float | None = None
        self._lead = ""
        _lag.set_function(lambda: time.time() - self._oldest if self._oldest else 0.0)

    def notify(self) -> None:
        """Tells the relay that a row was committed. Without it the row waits for the next poll."""
        self._committed.set()

    async def run(self) -> None:
        """Publishes whenever this process leads, until cancelled. Outages of either store are waited out."""
        await self._leader.run()

    async def _relay(self, session: Session) -> None:
        # After an interruption consumers look whether the outbox is still the one they know: the database may have been
        # restored meanwhile.
        self._lead = uuid7_text()
        try:
            position = await self._resume(session)
            pause = PACE_SECONDS
            while True:
                self._committed.clear()
                page = await read_rows(session, position, BATCH_ROWS)
                self._oldest = page.oldest or await oldest_waiting(session, position)
                if page.events:
                    await self._publish(page)
                    position, pause = page.last, PACE_SECONDS
                if len(page.events) < BATCH_ROWS:
                    await self._pause(pause, PACE_SECONDS if page.events or self._oldest else 0.0)
                    pause = PACE_SECONDS if self._oldest else min(2 * pause, IDLE_SECONDS)
        finally:
            self._oldest = None

    async def _resume(self, session: Session) -> Place:
        """Returns where to go on: after the last entry of the stream, or after the newest row if there is none."""
        newest, next_xid = await newest_place(session)
        entry = await self._stream.last()
        position = place_from_entry(entry.data) if entry is not None else BEGINNING
        if position > BEGINNING and position.xid < next_xid:
            return position
        # An empty stream, or one that another database wrote: what is in the outbox is for consumers to ask for.
        _log.info("the event stream has no place to go on from; new rows are published")
        return newest

    async def _publish(self, page: OutboxPage) -> None:
        """Appends rows as one entry, however long the stream is away."""
        entry = page_to_proto(page, self._lead).SerializeToString()
        backoff = PACE_SECONDS
        while True:
            try:
                await self._stream.append(entry)
            except MeshError as error:
                if backoff == PACE_SECONDS:
                    _log.warning("the outbox is not published: %s", error.message)
                await asyncio.sleep(backoff)
                backoff = min(2 * backoff, MAX_BACKOFF)
            else:
                _published.inc(len(page.events))
                return

    async def _pause(self, seconds: float, least: float) -> None:
        """Waits for the next commit, `seconds` at most, and never less than `least`."""
        await asyncio.sleep(least)
        try:
            async with asyncio.timeout(seconds - least):
                await self._committed.wait()
        except TimeoutError:
            return
