from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from gateway.edge.streams import relay as module
from gateway.edge.streams.pump import MAX_MESSAGES
from gateway.edge.streams.registry import OpenStreams
from gateway.edge.streams.relay import Stalled, StreamRelay
from meshkit.errors import Kind, MeshError

FAILURE = MeshError(Kind.INTERNAL, "INTERNAL", "m")
Receive = Callable[[int], Awaitable[bytes | None]]


class Call:
    """A call in memory that answers as `receive` says, by the number of the answer."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.read = 0
        self.cancelled = 0

    async def accepted(self) -> None:
        await asyncio.sleep(0)

    async def receive(self) -> bytes | None:
        found = await self._receive(self.read)
        self.read += 1
        return found

    def cancel(self) -> None:
        self.cancelled += 1


class Client:
    """Takes batches when it is ready."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.idled = 0
        self.ready = asyncio.Event()
        self.ready.set()

    async def messages(self, batch: Sequence[bytes]) -> None:
        await self.ready.wait()
        self.batches.append(list(batch))

    async def idle(self) -> None:
        self.idled += 1

    @property
    def received(self) -> list[bytes]:
        return [each for batch in self.batches for each in batch]


def answers(count: int, then: MeshError | None = None) -> Receive:
    async def receive(number: int) -> bytes | None:
        if number < count:
            return b"%d" % number
        if then is not None:
            raise then
        return None

    return receive


async def never(_: int) -> bytes | None:
    await asyncio.Event().wait()
    return None


async def carried(call: Call, client: Client) -> MeshError | None:
    relay = StreamRelay()
    relay.begin(call)
    try:
        async with asyncio.timeout(5):
            await relay.opened()
            return await relay.run(client)
    finally:
        await relay.close()


@pytest.mark.parametrize("count", [0, 1, 3, MAX_MESSAGES, 1000])
async def test_all_messages_arrive_once_and_in_order(count: int) -> None:
    client = Client()
    assert await carried(Call(answers(count)), client) is None
    assert client.received == [b"%d" % number for number in range(count)]


async def test_what_is_ready_together_is_one_batch() -> None:
    client = Client()
    await carried(Call(answers(10)), client)
    assert len(client.batches) < 10


async def test_no_more_is_read_than_the_buffer_holds_while_the_client_is_busy() -> None:
    client, call = Client(), Call(answers(10_000))
    client.ready.clear()
    task = asyncio.create_task(carried(call, client))
    await asyncio.sleep(0.05)
    assert call.read <= 2 * MAX_MESSAGES + 2
    client.ready.set()
    assert await task is None
    assert len(client.received) == 10_000


async def test_messages_before_a_failure_are_delivered() -> None:
    client = Client()
    assert await carried(Call(answers(3, FAILURE)), client) is FAILURE
    assert client.received == [b"0", b"1", b"2"]


async def test_a_failure_before_the_first_message_is_raised() -> None:
    with pytest.raises(MeshError) as caught:
        await carried(Call(answers(0, FAILURE)), Client())
    assert caught.value is FAILURE


async def test_a_refusal_right_after_the_consent_is_still_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: int) -> bytes | None:
        await asyncio.sleep(0.02)
        raise FAILURE

    monkeypatch.setattr(module, "SETTLE_SECONDS", module.SETTLE_SECONDS * 10)
    with pytest.raises(MeshError):
        await carried(Call(refuse), Client())


async def test_an_interruption_ends_a_stream_at_once_and_its_call_is_cancelled() -> None:
    relay, call = StreamRelay(), Call(never)
    relay.begin(call)
    task = asyncio.create_task(relay.run(Client()))
    await asyncio.sleep(0.01)
    relay.interrupt(FAILURE)
    assert await asyncio.wait_for(task, 5) is FAILURE
    await relay.close()
    assert call.cancelled == 1


async def test_a_stream_ends_with_its_time() -> None:
    relay = StreamRelay()
    relay.begin(Call(never))
    relay.expire(0.01, FAILURE)
    assert await asyncio.wait_for(relay.run(Client()), 5) is FAILURE
    await relay.close()


async def test_a_client_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 0.02)
    client = Client()
    client.ready.clear()
    with pytest.raises(Stalled):
        await carried(Call(answers(1)), client)


async def test_idle_times_are_shown_and_busy_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.04)
    relay, idle = StreamRelay(), Client()
    relay.begin(Call(never))
    task = asyncio.create_task(relay.run(idle))
    await asyncio.sleep(0.3)
    task.cancel()
    await relay.close()
    assert idle.idled >= 2

    async def often(number: int) -> bytes | None:
        await asyncio.sleep(0.002)
        return b"x" if number < 100 else None

    busy = Client()
    await carried(Call(often), busy)
    assert busy.idled <= 2


async def test_a_place_is_given_back_and_beyond_the_last_there_is_none() -> None:
    streams = OpenStreams(1)
    with streams.held(StreamRelay()):
        with pytest.raises(MeshError) as caught, streams.held(StreamRelay()):
            pass
        assert (caught.value.reason, caught.value.retry_after is not None) == ("OVERLOADED", True)
    with streams.held(StreamRelay()):
        assert streams.count == 1


async def test_draining_ends_streams_cuts_the_stuck_and_refuses_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.edge.streams.registry.DRAIN_SECONDS", 0.05)
    streams, willing, stuck = OpenStreams(10), Client(), Client()
    stuck.ready.clear()

    async def stream(client: Client, receive: Receive) -> MeshError | None:
        relay = StreamRelay()
        with streams.held(relay):
            relay.begin(Call(receive))
            try:
                return await relay.run(client)
            finally:
                await relay.close()

    tasks = [asyncio.create_task(stream(willing, never)), asyncio.create_task(stream(stuck, answers(1)))]
    await asyncio.sleep(0.02)
    async with asyncio.timeout(5):
        await streams.drain()
        ended, cut = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(ended, MeshError) and ended.kind is Kind.UNAVAILABLE
    assert isinstance(cut, asyncio.CancelledError)
    with pytest.raises(MeshError) as caught, streams.held(StreamRelay()):
        pass
    assert caught.value.kind is Kind.UNAVAILABLE
