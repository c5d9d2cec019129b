"""Enters decisions into the ledger: from the event stream while it has them all, from the fraud service when not.

The stream is fast and may lose anything; the outbox loses nothing. A batch from either says which place it follows, so
the ledger never steps over a gap, and its position moves in the transaction of the effect, so nothing counts twice.
"""

from __future__ import annotations

import asyncio
import logging
import time

from prometheus_client import Counter, Gauge

from meshkit.errors import MeshError
from services.data.domain.ledger import BEGINNING, Batch
from services.data.ports import BatchStream, EventOutbox, LedgerWriter

__all__ = ["STREAM_WAIT", "Consumer"]

_log = logging.getLogger(__name__)
_lag = Gauge("ledger_lag_seconds", "Age of the newest decision of the ledger at its entry; 0 if all are in.")
_applied = Counter("ledger_applied", "Events that were entered into the ledger or put aside.")
_gaps = Counter("ledger_gaps", "Entries of the stream that did not follow on the ledger.")

STREAM_WAIT = 1.0
"""Seconds without an entry after which the outbox is asked."""

OUTBOX_ROWS = 2_000
# Asking the outbox acknowledges what the ledger has; a busy stream alone would let the outbox grow for ever.
ACKNOWLEDGE_SECONDS = 30.0
RETRY_SECONDS = 0.5


class Consumer:
    """A task of every replica of the service; the one that leads enters the events (see `meshkit.storage.leader`)."""

    def __init__(self, stream: BatchStream, outbox: EventOutbox) -> None:
        self._stream = stream
        self._outbox = outbox
        self._position = BEGINNING
        self._asked = float("-inf")
        self._down: set[str] = set()

    async def follow(self, writer: LedgerWriter) -> None:
        """Enters events until cancelled, or until the writer's store fails.

        Outages of the stream and of the fraud service are waited out.
        """
        self._position = await writer.position()
        self._stream.rewind()
        while True:
            found = await self._from_stream(writer)
            if found and self._now() - self._asked < ACKNOWLEDGE_SECONDS:
                continue
            if await self._catch_up(writer) and not found:
                await self._find_stream_again()

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
            if not await self._catch_up(writer):
                await asyncio.sleep(RETRY_SECONDS)
            return
        await self._enter(writer, batch)

    async def _catch_up(self, writer: LedgerWriter) -> bool:
        """Enters what the outbox has after the ledger's position; False if that is nothing, or not to be had.

        Ends with the first answer that is not full: what was written meanwhile is left to the stream.
        """
        entered = False
        while True:
            try:
                batch = await self._outbox.read(self._position, OUTBOX_ROWS)
            except MeshError as error:
                self._failed("outbox", error)
                return entered
            self._works("outbox")
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
            return
        _applied.inc(len(batch))
        if batch.transactions:
            _lag.set(max(0.0, time.time() - batch.transactions[-1].decide_time.timestamp()))

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
