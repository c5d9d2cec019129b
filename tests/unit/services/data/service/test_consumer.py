"""The consumer's decisions, on twins in memory: every history of the stream ends in the same ledger."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY
from rampart.fraud.v1 import event_pb2

from meshkit.errors import unavailable
from meshkit.following import consumer as consumer_module
from meshkit.following.batches import BEGINNING, FIRST, Batch, Cursor, DecidedPage, Position, Proof
from meshkit.following.consumer import Consumer
from meshkit.following.decisions import StreamedBatches, batch_from_proto
from meshkit.storage.event_stream import Entry, MemoryStream
from services.data.adapters.memory import MemoryLedger
from services.data.convert import transaction_from_event
from services.data.domain.ledger import LedgerState, Transaction
from services.data.ports import LedgerWriter, TotalsQuery, TransactionQuery
from services.data.service import rebuilding
from services.data.service.following import LEDGER_WATCH
from services.data.service.rebuilding import Rebuilder
from services.fraud.errors import events_lost
from tests.support.outbox import TENANT, event


class MemoryOutbox:
    """An outbox whose row n is at the place (n, 1)."""

    def __init__(self, count: int) -> None:
        self.payloads = [event(f"t{number:02}").SerializeToString() for number in range(count)]
        self.failures = 0
        self.pruned = 0
        self.asked: list[Position] = []

    def message(self, start: int, end: int) -> event_pb2.EventBatch:
        found = event_pb2.EventBatch(last=_place(end), events=self.payloads[start:end])
        if start:
            found.after.CopyFrom(_place(start))
        return found

    async def read(self, after: Position, proof: Proof, limit: int) -> Batch[Transaction]:
        self.asked.append(after)
        if self.failures:
            self.failures -= 1
            raise unavailable("fraud")
        if after.xid < self.pruned:
            raise events_lost("what follows it is kept no longer")
        return batch_from_proto(
            self.message(after.xid, min(after.xid + limit, len(self.payloads))), transaction_from_event
        )


class MemoryDecisions:
    """The decisions of an outbox, none of which is ever pruned; a cursor is the number of those before it."""

    def __init__(self, outbox: MemoryOutbox) -> None:
        self._outbox = outbox

    async def read(self, after: Cursor, limit: int) -> DecidedPage[Transaction]:
        if self._outbox.failures:
            self._outbox.failures -= 1
            raise unavailable("fraud")
        start = int(after.decision_id) if after != FIRST else 0
        await asyncio.sleep(0)
        events = self._outbox.payloads[start : start + min(limit, 7)]
        newest = _place(len(self._outbox.payloads))
        batch = batch_from_proto(event_pb2.EventBatch(last=newest, events=events), transaction_from_event)
        return DecidedPage(batch, Cursor(TENANT, str(start + len(events))) if events else None)


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
    monkeypatch.setattr(consumer_module, "RECOVERY_CHECK_SECONDS", 0.0)
    monkeypatch.setattr(rebuilding, "RETRY_SECONDS", 0.001)


def _place(number: int) -> event_pb2.OutboxPosition:
    return event_pb2.OutboxPosition(xid=number, seq=1 if number else 0)


def consumer(stream: MemoryStream, outbox: MemoryOutbox) -> Consumer[Transaction, LedgerWriter]:
    stream_of = StreamedBatches(stream, transaction_from_event)
    return Consumer(stream_of, outbox, Rebuilder(MemoryDecisions(outbox)), LEDGER_WATCH)


async def follow(ledger: MemoryLedger, stream: MemoryStream, outbox: MemoryOutbox, count: int) -> None:
    task = asyncio.create_task(consumer(stream, outbox).follow(ledger))
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


@pytest.mark.parametrize("streamed", [False, True])
async def test_events_that_do_not_concern_the_ledger_are_passed_over_however_many_there_are(streamed: bool) -> None:
    outbox, ledger, stream = MemoryOutbox(0), MemoryLedger(), MemoryStream()
    told = event("told")
    told.event_type = "label.recorded"
    many = consumer_module.OUTBOX_ROWS + 1
    outbox.payloads = [told.SerializeToString()] * many + [event("t1").SerializeToString()]
    if streamed:
        await stream.append(outbox.message(0, many).SerializeToString())
    await follow(ledger, stream, outbox, many + 1)
    assert [each.transaction_id for each in await ledger.transactions(TransactionQuery(TENANT, limit=5))] == ["t1"]


async def test_without_stream_and_outbox_the_ledger_waits() -> None:
    ledger, stream, outbox = MemoryLedger(), LossyStream(), MemoryOutbox(4)
    stream.failures = outbox.failures = 5
    await follow(ledger, stream, outbox, 4)
    assert len(outbox.asked) >= 6
    assert set(outbox.asked[:6]) == {BEGINNING}


async def test_reading_a_busy_outbox_ends() -> None:
    class BusyOutbox(MemoryOutbox):
        async def read(self, after: Position, proof: Proof, limit: int) -> Batch[Transaction]:
            await asyncio.sleep(0)
            self.payloads.append(event(f"new{len(self.payloads)}").SerializeToString())
            return await super().read(after, proof, limit)

    ledger, stream, outbox = MemoryLedger(), MemoryStream(), BusyOutbox(1)
    task = asyncio.create_task(consumer(stream, outbox).follow(ledger))
    await asyncio.sleep(0.5)
    task.cancel()
    # Once for each wait of 10 ms for the stream, and not over and over.
    assert 2 < len(outbox.asked) < 60


async def test_the_writer_has_the_last_word_on_the_position() -> None:
    ledger, stream, outbox = MemoryLedger(), MemoryStream(), MemoryOutbox(6)
    task = asyncio.create_task(consumer(stream, outbox).follow(ledger))
    await asyncio.sleep(0.05)
    outbox.payloads += [event(f"more{number}").SerializeToString() for number in range(2)]
    await ledger.apply(batch_from_proto(outbox.message(6, 7), transaction_from_event))
    await stream.append(outbox.message(6, 8).SerializeToString())
    async with asyncio.timeout(5):
        while True:
            if (await ledger.position()).xid == 8:
                break
            await asyncio.sleep(0.001)
    task.cancel()
    assert len(await entered(ledger)) == 8


async def lost(ledger: MemoryLedger) -> None:
    async with asyncio.timeout(5):
        while not (await ledger.state()).lost:
            await asyncio.sleep(0.001)


async def test_ledger_that_lost_its_place_enters_nothing_until_it_is_rebuilt() -> None:
    ledger, stream, outbox = MemoryLedger(), MemoryStream(), MemoryOutbox(40)
    await ledger.apply(batch_from_proto(outbox.message(0, 5), transaction_from_event))
    outbox.pruned = 20
    await stream.append(outbox.message(5, 10).SerializeToString())
    task = asyncio.create_task(follow(ledger, stream, outbox, 60))
    await lost(ledger)
    before = await entered(ledger)
    assert REGISTRY.get_sample_value("ledger_place_lost") == 1
    await stream.append(outbox.message(int((await ledger.position()).xid), 40).SerializeToString())
    await asyncio.sleep(0.05)
    assert await entered(ledger) == before
    outbox.failures = 3
    await ledger.ask_rebuild()
    async with asyncio.timeout(5):
        while (await ledger.state()).rebuilding:
            await asyncio.sleep(0)
            outbox.payloads += [event(f"new{len(outbox.payloads)}").SerializeToString()] * (len(outbox.payloads) < 60)
    outbox.payloads += [event(f"new{number}").SerializeToString() for number in range(len(outbox.payloads), 60)]
    await task
    assert len(await entered(ledger)) == 60
    assert await ledger.state() == LedgerState()
    assert REGISTRY.get_sample_value("ledger_place_lost") == 0


async def test_after_an_interruption_of_the_relay_the_outbox_is_asked_before_the_stream_is_believed() -> None:
    ledger, stream, outbox = MemoryLedger(), MemoryStream(), MemoryOutbox(10)
    for relay, start in (("first", 0), ("first", 5)):
        entry = outbox.message(start, start + 5)
        entry.relay = relay
        await stream.append(entry.SerializeToString())
    task = asyncio.create_task(follow(ledger, stream, outbox, 99))
    async with asyncio.timeout(5):
        while (await ledger.position()).xid < 10:
            await asyncio.sleep(0.001)
    outbox.payloads += [event(f"other{number}").SerializeToString() for number in range(5)]
    outbox.pruned = 99
    entry = outbox.message(10, 15)
    entry.relay = "second"
    await stream.append(entry.SerializeToString())
    await lost(ledger)
    assert (await ledger.position()).xid == 10
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
