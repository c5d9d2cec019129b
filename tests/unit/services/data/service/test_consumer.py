"""The consumer's decisions, on twins in memory: every history of the stream ends in the same ledger."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Sequence

import pytest
from rampart.fraud.v1 import event_pb2

from meshkit.errors import unavailable
from meshkit.storage.event_stream import Entry, MemoryStream
from services.data.adapters.memory import MemoryLedger
from services.data.adapters.stream import StreamedBatches
from services.data.convert import batch_from_proto
from services.data.domain.ledger import BEGINNING, Batch, Position
from services.data.ports import TotalsQuery, TransactionQuery
from services.data.service import consumer as consumer_module
from services.data.service.consumer import Consumer
from tests.support.outbox import TENANT, event


class MemoryOutbox:
    """An outbox whose row n is at the place (n, 1)."""

    def __init__(self, count: int) -> None:
        self.payloads = [event(f"t{number:02}").SerializeToString() for number in range(count)]
        self.failures = 0
        self.asked: list[Position] = []

    def message(self, start: int, end: int) -> event_pb2.EventBatch:
        found = event_pb2.EventBatch(last=_place(end), events=self.payloads[start:end])
        if start:
            found.after.CopyFrom(_place(start))
        return found

    async def read(self, after: Position, limit: int) -> Batch:
        self.asked.append(after)
        if self.failures:
            self.failures -= 1
            raise unavailable("fraud")
        return batch_from_proto(self.message(after.xid, min(after.xid + limit, len(self.payloads))))


class LossyStream(MemoryStream):
    """Fails as many reads as it is told to."""

    failures = 0

    async def read(self, after: str, *, limit: int, wait: float) -> list[Entry]:
        if self.failures:
            self.failures -= 1
            raise unavailable("event stream")
        return await super().read(after, limit=limit, wait=wait)


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "STREAM_WAIT", 0.01)
    monkeypatch.setattr(consumer_module, "RETRY_SECONDS", 0.001)


def _place(number: int) -> event_pb2.OutboxPosition:
    return event_pb2.OutboxPosition(xid=number, seq=1 if number else 0)


async def follow(ledger: MemoryLedger, stream: MemoryStream, outbox: MemoryOutbox, count: int) -> None:
    task = asyncio.create_task(Consumer(StreamedBatches(stream), outbox).follow(ledger))
    try:
        async with asyncio.timeout(5):
            while True:
                if (await ledger.position()).xid == count:
                    return
                await asyncio.sleep(0.001)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def entered(ledger: MemoryLedger) -> list[str]:
    rows = await ledger.transactions(TransactionQuery(TENANT, 1000))
    (total,) = await ledger.totals(TotalsQuery(TENANT, 10))
    assert total.count == len(rows)
    return sorted(row.transaction_id for row in rows)


def history(outbox: MemoryOutbox, choose: random.Random) -> Sequence[event_pb2.EventBatch]:
    """Cuts the outbox into entries, then loses, repeats, widens and reorders them."""
    cuts = [0, *sorted(choose.sample(range(1, len(outbox.payloads)), 8)), len(outbox.payloads)]
    found = [outbox.message(start, end) for start, end in itertools.pairwise(cuts)]
    found = [entry for entry in found if choose.random() > 0.3]
    found += choose.choices(found, k=3) if found else []
    found += [outbox.message(*sorted(choose.sample(cuts, 2))) for _ in range(3)]
    choose.shuffle(found)
    return found


@pytest.mark.parametrize("seed", range(200))
async def test_any_history_of_the_stream_ends_in_the_same_ledger(seed: int) -> None:
    choose = random.Random(seed)
    ledger, stream, outbox = MemoryLedger(), LossyStream(), MemoryOutbox(40)
    stream.failures, outbox.failures = choose.randrange(3), choose.randrange(3)
    for entry in history(outbox, choose):
        await stream.append(b"\xff" if choose.random() < 0.05 else entry.SerializeToString())
    await follow(ledger, stream, outbox, 40)
    assert await entered(ledger) == [f"t{number:02}" for number in range(40)]


async def test_an_unbroken_stream_needs_no_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "STREAM_WAIT", 5.0)
    ledger, stream, outbox = MemoryLedger(), MemoryStream(), MemoryOutbox(40)
    for start in range(0, 40, 4):
        await stream.append(outbox.message(start, start + 4).SerializeToString())
    outbox.failures = 1_000_000
    await follow(ledger, stream, outbox, 40)
    assert len(await entered(ledger)) == 40


async def test_without_stream_and_outbox_the_ledger_waits() -> None:
    ledger, stream, outbox = MemoryLedger(), LossyStream(), MemoryOutbox(4)
    stream.failures = outbox.failures = 5
    await follow(ledger, stream, outbox, 4)
    assert len(outbox.asked) >= 6
    assert set(outbox.asked[:6]) == {BEGINNING}


async def test_reading_a_busy_outbox_ends() -> None:
    class BusyOutbox(MemoryOutbox):
        async def read(self, after: Position, limit: int) -> Batch:
            await asyncio.sleep(0)
            self.payloads.append(event(f"new{len(self.payloads)}").SerializeToString())
            return await super().read(after, limit)

    ledger, stream, outbox = MemoryLedger(), MemoryStream(), BusyOutbox(1)
    task = asyncio.create_task(Consumer(StreamedBatches(stream), outbox).follow(ledger))
    await asyncio.sleep(0.5)
    task.cancel()
    # Once for each wait of 10 ms for the stream, and not over and over.
    assert 2 < len(outbox.asked) < 60


async def test_the_writer_has_the_last_word_on_the_position() -> None:
    ledger, stream, outbox = MemoryLedger(), MemoryStream(), MemoryOutbox(6)
    task = asyncio.create_task(Consumer(StreamedBatches(stream), outbox).follow(ledger))
    await asyncio.sleep(0.05)
    outbox.payloads += [event(f"more{number}").SerializeToString() for number in range(2)]
    await ledger.apply(batch_from_proto(outbox.message(6, 7)))
    await stream.append(outbox.message(6, 8).SerializeToString())
    async with asyncio.timeout(5):
        while True:
            if (await ledger.position()).xid == 8:
                break
            await asyncio.sleep(0.001)
    task.cancel()
    assert len(await entered(ledger)) == 8
