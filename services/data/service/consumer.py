"""Follows the decisions: from the event stream while it has them all, from the outbox of the fraud service when not.

The stream is fast and may lose anything; the outbox loses nothing. A batch from either says which place it follows, so
the ledger never steps over a gap, and its position moves in the transaction of the effect, so nothing counts twice.
"""

from __future__ import annotations

import asyncio
import logging
import time

from google.protobuf.message import DecodeError
from prometheus_client import Counter, Gauge
from rampart.fraud.v1 import event_pb2

from meshkit.errors import MeshError
from meshkit.storage.event_stream import START, EventStream, precedes
from services.data.convert import position_of, to_batch
from services.data.domain.ledger import BEGINNING, Batch
from services.data.ports import LedgerWriter, Outbox

__all__ = ["STREAM_WAIT", "Consumer"]

_log = logging.getLogger(__name__)
_lag = Gauge("ledger_lag_seconds", "Age of the newest decision of the ledger at its entry; 0 if all are in.")
_applied = Counter("ledger_applied", "Events that were entered into the ledger or put aside.")
_gaps = Counter("ledger_gaps", "Entries of the stream that did not follow on the ledger.")

STREAM_WAIT = 1.0
"""Seconds without an entry after which the outbox is asked."""

STREAM_ENTRIES = 16
OUTBOX_ROWS = 2_000
# Asking the outbox acknowledges what the ledger has; a busy stream alone would let the outbox grow for ever.
ACKNOWLEDGE_SECONDS = 30.0
RETRY_SECONDS = 0.5


class Consumer:
    """A task of every replica of the service; the one that leads enters the events (see `meshkit.storage.leader`)."""

    def __init__(self, stream: EventStream, outbox: Outbox) -> None:
        self._stream = stream
        self._outbox = outbox
        self._position = BEGINNING
        self._cursor = START
        self._asked = float("-inf")
        self._down: set[str] = set()

    async def follow(self, writer: LedgerWriter) -> None:
        """Enters events until cancelled, or until the writer's store fails.

        Outages of the stream and of the fraud service are waited out.
        """
        self._position, self._cursor = await writer.position(), START
        while True:
            found = await self._from_stream(writer)
            if found and self._now() - self._asked < ACKNOWLEDGE_SECONDS:
                continue
            if await self._catch_up(writer) and not found:
                await self._find_stream_again()

    async def _from_stream(self, writer: LedgerWriter) -> bool:
        """Enters what the stream has within a second; False if that is nothing."""
        try:
            entries = await self._stream.read(self._cursor, limit=STREAM_ENTRIES, wait=STREAM_WAIT)
        except MeshError as error:
            self._failed("stream", error)
            await asyncio.sleep(STREAM_WAIT)
            return False
        self._works("stream")
        for entry in entries:
            await self._take(writer, entry.data)
            self._cursor = entry.id
        return bool(entries)

    async def _take(self, writer: LedgerWriter, data: bytes) -> None:
        try:
            message = event_pb2.EventBatch.FromString(data)
        except DecodeError:
            _log.error("an entry of the event stream cannot be read; its events are read from the outbox")
            message = event_pb2.EventBatch()
        if message.events and position_of(message.last) <= self._position:
            return
        if not message.events or position_of(message.after) > self._position:
            _gaps.inc()
            if not await self._catch_up(writer):
                await asyncio.sleep(RETRY_SECONDS)
            return
        await self._enter(writer, to_batch(message))

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
        """Reads a stream from its beginning that was emptied: its new ids may come before those read so far."""
        try:
            newest = await self._stream.last()
        except MeshError as error:
            self._failed("stream", error)
            return
        if newest is None or precedes(newest.id, self._cursor):
            self._cursor = START

    def _failed(self, source: str, error: MeshError) -> None:
        if source not in self._down:
            self._down.add(source)
            _log.warning("the %s cannot be read: %s", source, error.message)

    def _works(self, source: str) -> None:
        if source in self._down:
            self._down.remove(source)
            _log.info("the %s can be read again", source)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
