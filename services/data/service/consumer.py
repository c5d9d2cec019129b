"""Enters decisions into the ledger: from the event stream while it has them all, from the fraud service when not.

The stream is fast and may lose anything; the outbox loses nothing. A batch from either says which place it follows, so
the ledger never steps over a gap, and its position moves in the transaction of the effect, so nothing counts twice.

What the outbox has pruned, or a database that was restored, cannot be followed. The fraud service says so when it is
asked, and it is asked first wherever the relay was interrupted. The ledger then waits for a rebuild, and tells of it.
"""

from __future__ import annotations

import asyncio
import logging
import time

from prometheus_client import Counter, Gauge

from meshkit.errors import MeshError
from services.data.domain.ledger import BEGINNING, UNKNOWN, Batch
from services.data.ports import BatchStream, EventOutbox, LedgerWriter
from services.data.service.rebuilding import Rebuilder

__all__ = ["STREAM_WAIT", "Consumer"]

_log = logging.getLogger(__name__)
_lag = Gauge("ledger_lag_seconds", "Age of the newest decision of the ledger at its entry; 0 if all are in.")
_applied = Counter("ledger_applied", "Events that were entered into the ledger or put aside.")
_gaps = Counter("ledger_gaps", "Entries of the stream that did not follow on the ledger.")
_lost = Gauge("ledger_place_lost", "1 while the ledger cannot go on from its place in the outbox and needs a rebuild.")

STREAM_WAIT = 1.0
"""Seconds without an entry after which the outbox is asked."""

OUTBOX_ROWS = 2_000
# Asking the outbox acknowledges what the ledger has; a busy stream alone would let the outbox grow for ever.
ACKNOWLEDGE_SECONDS = 30.0
RETRY_SECONDS = 0.5
REBUILD_CHECK_SECONDS = 1.0
POSITION_LOST = "STREAM_POSITION_LOST"


class Consumer:
    """A task of every replica of the service; the one that leads enters the events (see `meshkit.storage.leader`)."""

    def __init__(self, stream: BatchStream, outbox: EventOutbox, rebuilder: Rebuilder) -> None:
        self._stream = stream
        self._outbox = outbox
        self._rebuilder = rebuilder
        self._position = BEGINNING
        self._proof = UNKNOWN
        self._relay = ""
        self._lost = ""
        self._noted: str | None = None
        self._asked = float("-inf")
        self._looked = float("-inf")
        self._down: set[str] = set()

    async def follow(self, writer: LedgerWriter) -> None:
        """Enters events until cancelled, or until the writer's store fails.

        Outages of the stream and of the fraud service are waited out.
        """
        await self._begin(writer)
        try:
            while True:
                await self._rebuild(writer)
                if self._lost:
                    await asyncio.sleep(RETRY_SECONDS)
                    await self._catch_up(writer)
                    continue
                found = await self._from_stream(writer)
                if found and self._now() - self._asked < ACKNOWLEDGE_SECONDS:
                    continue
                if await self._catch_up(writer) and not found:
                    await self._find_stream_again()
        finally:
            # Whoever leads next finds out for himself.
            _lost.set(0)

    async def _begin(self, writer: LedgerWriter) -> None:
        self._position, self._proof = await writer.position(), await writer.proof()
        self._relay = self._lost = ""
        self._noted = None
        self._stream.rewind()

    async def _rebuild(self, writer: LedgerWriter) -> None:
        """Does a rebuild that was asked for within the last second."""
        if self._now() - self._looked < REBUILD_CHECK_SECONDS:
            return
        self._looked = self._now()
        if await self._rebuilder.run(writer):
            await self._begin(writer)
            await self._catch_up(writer)

    async def _from_stream(self, writer: LedgerWriter) -> bool:
        """Enters what the stream has within a second; False if that is nothing."""
        try:
            batches = await self._stream.read(self._position, wait=STREAM_WAIT)
        except MeshError as error:
            self._failed("stream", error)
            await asyncio.sleep(STREAM_WAIT)
            return False
        self._works("stream")
        for batch in batches or ():
            await self._take(writer, batch)
        return batches is not None

    async def _take(self, writer: LedgerWriter, batch: Batch) -> None:
        if batch and batch.last <= self._position:
            return
        if not batch or batch.after > self._position:
            _gaps.inc()
        elif batch.relay in ("", self._relay) or self._proof == UNKNOWN:
            self._relay = batch.relay
            await self._enter(writer, batch)
            return
        # A gap, or a relay that was interrupted: for all we know the outbox is another one.
        if not await self._catch_up(writer):
            await asyncio.sleep(RETRY_SECONDS)
        if "outbox" not in self._down and not self._lost:
            self._relay = batch.relay

    async def _catch_up(self, writer: LedgerWriter) -> bool:
        """Enters what the outbox has after the ledger's position; False if that is nothing, or not to be had.

        Ends with the first answer that is not full: what was written meanwhile is left to the stream.
        """
        entered = False
        while True:
            try:
                batch = await self._outbox.read(self._position, self._proof, OUTBOX_ROWS)
            except MeshError as error:
                await self._refused(writer, error)
                return entered
            self._works("outbox")
            await self._note(writer, "")
            self._asked = self._now()
            if not batch:
                _lag.set(0)
                return entered
            await self._enter(writer, batch)
            entered = True
            if len(batch) < OUTBOX_ROWS:
                return entered

    async def _enter(self, writer: LedgerWriter, batch: Batch) -> None:
        self._position = await writer.apply(batch)
        if self._position != batch.last:
            self._proof = await writer.proof()
            return
        self._proof = batch.proof
        _applied.inc(len(batch))
        if batch.transactions:
            _lag.set(max(0.0, time.time() - batch.transactions[-1].decide_time.timestamp()))

    async def _refused(self, writer: LedgerWriter, error: MeshError) -> None:
        if error.reason == POSITION_LOST:
            await self._note(writer, error.message)
        else:
            self._failed("outbox", error)

    async def _note(self, writer: LedgerWriter, lost: str) -> None:
        """Tells that the place is lost, or found again."""
        _lost.set(1 if lost else 0)
        self._lost = lost
        if lost != self._noted:
            self._noted = lost
            await writer.note(lost)
            if lost:
                _log.error("the ledger has stopped and needs `rampart ledger rebuild`: %s", lost)

    async def _find_stream_again(self) -> None:
        try:
            await self._stream.rewind_if_emptied()
        except MeshError as error:
            self._failed("stream", error)

    def _failed(self, source: str, error: MeshError) -> None:
        if source not in self._down:
            self._down.add(source)
            _log.warning("the %s cannot be read: %s", source, error.message)

    def _works(self, source: str) -> None:
        if source in self._down:
            self._down.remove(source)
            _log.info("the %s can be read again", source)

    def _now(self) -> float:
        return time.monotonic()
