"""Sends the records of a file: paced, ordered, bounded, and remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from console.failure import CommandFailure
from console.replaying.journal import Journal
from console.replaying.order import Order
from console.replaying.pace import Clock, Pace
from console.replaying.records import Record
from console.replaying.results import Results
from console.replaying.sender import Sender

WINDOW = 16
"""Records under way per sender: how far an ordered replay looks ahead for something that may be sent."""
BREATH = 500


class Replayer:
    """Sends what is not yet decided with at most `concurrency` requests at once."""

    def __init__(
        self,
        sender: Sender,
        journal: Journal,
        results: Results,
        *,
        order: Order,
        pace: Pace,
        concurrency: int,
    ) -> None:
        self._sender = sender
        self._journal = journal
        self._results = results
        self._order = order
        self._pace = pace
        self._concurrency = concurrency
        self._window = asyncio.Semaphore(concurrency * WINDOW)
        self._ready: asyncio.Queue[Record] = asyncio.Queue()

    async def run(self, records: Iterator[Record]) -> None:
        """Returns when everything is answered. Raises Failure if the platform cannot be reached."""
        try:
            async with asyncio.TaskGroup() as tasks:
                senders = [tasks.create_task(self._send()) for _ in range(self._concurrency)]
                await self._feed(records)
                for _ in range(self._concurrency * WINDOW):
                    await self._window.acquire()
                for sender in senders:
                    sender.cancel()
        except* CommandFailure as failures:
            raise failures.exceptions[0] from None

    async def _feed(self, records: Iterator[Record]) -> None:
        clock = Clock()
        for record in records:
            if record.row % BREATH == 0:
                await asyncio.sleep(0)
            if self._results.is_decided(record.row):
                continue
            await self._window.acquire()
            await clock.wait_until(self._pace.due(record))
            self._start(self._order.add(record))

    def _start(self, records: list[Record]) -> None:
        # The window bounds the queue.
        for record in records:
            self._ready.put_nowait(record)

    async def _send(self) -> None:
        while True:
            record = await self._ready.get()
            answer = await self._sender.send(record)
            self._results.add(answer)
            self._journal.add(answer)
            self._start(self._order.done(record))
            self._window.release()
