"""Follows the events of the fraud service: from its stream while that has them all, from its outbox when not.

The stream is fast and may lose anything; the outbox loses nothing. A batch from either says which place it follows, so
a gap is never stepped over, and the position moves in the transaction of the effect, so nothing counts twice.

What the outbox has pruned, or a database that was restored, cannot be followed. The fraud service says so when it is
asked, and it is asked first wherever the relay was interrupted. Nothing is followed then until the place is recovered.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from prometheus_client import Counter, Gauge

from meshkit.errors import MeshError
from meshkit.following.batches import BEGINNING, UNKNOWN, Batch, FollowedEvent
from meshkit.following.ports import BatchStream, EventOutbox, FollowingWriter, Recovery

__all__ = ["STREAM_WAIT", "Consumer", "FollowingWatch"]

_log = logging.getLogger(__name__)

STREAM_WAIT = 1.0
"""Seconds without an entry after which the outbox is asked."""

OUTBOX_ROWS = 2_000
# Asking the outbox acknowledges what took effect; a busy stream alone would let the outbox grow for ever.
ACKNOWLEDGE_SECONDS = 30.0
RETRY_SECONDS = 0.5
RECOVERY_CHECK_SECONDS = 1.0
POSITION_LOST = "STREAM_POSITION_LOST"

Item = TypeVar("Item", bound=FollowedEvent)
Writer = TypeVar("Writer", bound=FollowingWriter[Any])


@dataclass(frozen=True, slots=True)
class FollowingWatch:
    """What operators see of a follower."""

    lag: Gauge
    """Age of the newest decision when it took effect, in seconds; 0 if all have."""
    applied: Counter
    """Events that took effect or were put aside."""
    gaps: Counter
    """Entries of the stream that did not follow on the position."""
    lost: Gauge
    """1 while it is not possible to go on from the position."""
    stopped: str
    """Says in the log that the place is lost, and what helps."""


class Consumer(Generic[Item, Writer]):
    """A task of every replica of a service; the one that leads enters the events (see `meshkit.storage.leader`)."""

    def __init__(
        self,
        stream: BatchStream[Item],
        outbox: EventOutbox[Item],
        recovery: Recovery[Writer],
        watch: FollowingWatch,
    ) -> None:
        self._stream = stream
        self._outbox = outbox
        self._recovery = recovery
        self._watch = watch
        self._position = BEGINNING
        self._proof = UNKNOWN
        self._relay = ""
        self._lost = ""
        self._noted: str | None = None
        self._asked = float("-inf")
        self._looked = float("-inf")
        self._down: set[str] = set()

    async def follow(self, writer: Writer) -> None:
        """Enters events until cancelled, or until the writer's store fails.

        Outages of the stream and of the fraud service are waited out.
        """
        await self._begin(writer)
        try:
            while True:
                await self._recover(writer)
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
            self._watch.lost.set(0)

    async def _begin(self, writer: Writer) -> None:
        self._position, self._proof = await writer.position(), await writer.proof()
        self._relay = self._lost = ""
        self._noted = None
        self._stream.rewind()

    async def _recover(self, writer: Writer) -> None:
        """Recovers the place, if that was asked for within the last second."""
        if self._now() - self._looked < RECOVERY_CHECK_SECONDS:
            return
        self._looked = self._now()
        if await self._recovery.run(writer):
            await self._begin(writer)
            await self._catch_up(writer)

    async def _from_stream(self, writer: Writer) -> bool:
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

    async def _take(self, writer: Writer, batch: Batch[Item]) -> None:
        if batch and batch.last <= self._position:
            return
        if not batch or batch.after > self._position:
            self._watch.gaps.inc()
        elif batch.relay in ("", self._relay) or self._proof == UNKNOWN:
            self._relay = batch.relay
            await self._enter(writer, batch)
            return
        # A gap, or a relay that was interrupted: for all we know the outbox is another one.
        if not await self._catch_up(writer):
            await asyncio.sleep(RETRY_SECONDS)
        if "outbox" not in self._down and not self._lost:
            self._relay = batch.relay

    async def _catch_up(self, writer: Writer) -> bool:
        """Enters what the outbox has after the position; False if that is nothing, or not to be had.

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
                self._watch.lag.set(0)
                return entered
            await self._enter(writer, batch)
            entered = True
            if len(batch) < OUTBOX_ROWS:
                return entered

    async def _enter(self, writer: Writer, batch: Batch[Item]) -> None:
        self._position = await writer.apply(batch)
        if self._position != batch.last:
            self._proof = await writer.proof()
            return
        self._proof = batch.proof
        self._watch.applied.inc(len(batch) - batch.passed_over)
        if batch.items:
            self._watch.lag.set(max(0.0, time.time() - batch.items[-1].decide_time.timestamp()))

    async def _refused(self, writer: Writer, error: MeshError) -> None:
        if error.reason == POSITION_LOST:
            await self._note(writer, error.message)
        else:
            self._failed("outbox", error)

    async def _note(self, writer: Writer, lost: str) -> None:
        """Tells that the place is lost, or found again."""
        self._watch.lost.set(1 if lost else 0)
        self._lost = lost
        if lost != self._noted:
            self._noted = lost
            await writer.note(lost)
            if lost:
                _log.error("%s: %s", self._watch.stopped, lost)

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
