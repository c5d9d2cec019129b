"""Calls that arrive together travel together, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from meshkit.context import CallContext, current, set_current
from meshkit.errors import Kind, MeshError, deadline_exceeded
from meshkit.rpc.coalesce import Coalescer
from tests.support.spans import Recording

Answers = Callable[[Sequence[str]], Sequence[str | MeshError]]


def upper(items: Sequence[str]) -> Sequence[str | MeshError]:
    return [item.upper() for item in items]


class Peer:
    """Answers batches when it is let; remembers them in the order in which they left."""

    def __init__(self, answer: Answers = upper) -> None:
        self.batches: list[list[str]] = []
        self.answer = answer
        self.open = asyncio.Event()
        self.under_way = 0
        self.most_under_way = 0

    async def send(self, items: Sequence[str]) -> Sequence[str | MeshError]:
        self.batches.append(list(items))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.open.wait()
            return self.answer(items)
        finally:
            self.under_way -= 1


def coalescer(
    peer: Peer, *, items: int = 100, size: int = 1_000, in_flight: int = 1, waiting: int = 1_000
) -> Coalescer[str, str]:
    return Coalescer("test", peer.send, max_items=items, max_bytes=size, max_in_flight=in_flight, max_waiting=waiting)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def error_of(answer: asyncio.Future[str]) -> MeshError:
    with pytest.raises(MeshError) as caught:
        async with asyncio.timeout(5):
            await answer
    return caught.value


async def test_an_idle_one_sends_a_single_call_at_once() -> None:
    peer = Peer()
    peer.open.set()
    answer = coalescer(peer).submit("a")
    await turns()
    assert peer.batches == [["a"]]
    assert answer.result() == "A"


async def test_calls_of_one_turn_of_the_loop_leave_together() -> None:
    peer = Peer()
    calls = coalescer(peer)
    for item in "abc":
        calls.submit(item)
    await turns()
    assert peer.batches == [["a", "b", "c"]]
    peer.open.set()
    await calls.drain()


async def test_what_arrives_while_it_is_busy_forms_the_next_batch_in_order_of_arrival() -> None:
    peer = Peer()
    calls = coalescer(peer)
    answers = [calls.submit("0")]
    await turns()
    for item in "123456":
        answers.append(calls.submit(item))
        await turns()
    assert peer.batches == [["0"]]
    peer.open.set()
    assert await asyncio.gather(*answers) == list("0123456")
    assert peer.batches == [["0"], list("123456")]


async def test_no_more_batches_are_under_way_than_allowed() -> None:
    peer = Peer()
    calls = coalescer(peer, items=2, in_flight=3)
    answers = [calls.submit(str(number)) for number in range(20)]
    await turns()
    assert len(peer.batches) == 3
    peer.open.set()
    assert list(await asyncio.gather(*answers)) == [str(number) for number in range(20)]
    assert peer.most_under_way == 3


async def test_a_batch_holds_no_more_items_than_allowed() -> None:
    peer = Peer()
    calls = coalescer(peer, items=3)
    answers = [calls.submit(item) for item in "abcdefg"]
    peer.open.set()
    await asyncio.gather(*answers)
    assert peer.batches == [["a", "b", "c"], ["d", "e", "f"], ["g"]]


async def test_a_batch_holds_no_more_bytes_than_allowed_and_a_large_call_travels_alone() -> None:
    peer = Peer()
    calls = coalescer(peer, size=10)
    peer.open.set()
    sizes = {"a": 5, "b": 5, "c": 1, "d": 50, "e": 1}
    await asyncio.gather(*[calls.submit(item, size=size) for item, size in sizes.items()])
    assert peer.batches == [["a", "b"], ["c"], ["d"], ["e"]]


async def test_calls_above_the_bound_of_the_queue_are_refused_and_the_others_answered() -> None:
    peer = Peer()
    calls = coalescer(peer, waiting=2)
    first = calls.submit("under way")
    await turns()
    waiting = [calls.submit(item) for item in "ab"]
    error = await error_of(calls.submit("c"))
    assert (error.kind, error.reason) == (Kind.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert error.retry_after is not None
    peer.open.set()
    assert list(await asyncio.gather(first, *waiting)) == ["UNDER WAY", "A", "B"]


async def test_a_cancelled_caller_leaves_the_queue_and_the_rest_go_on() -> None:
    peer = Peer()
    calls = coalescer(peer)
    first = calls.submit("0")
    await turns()
    kept, left = calls.submit("kept"), calls.submit("left")
    left.cancel()
    peer.open.set()
    assert list(await asyncio.gather(first, kept)) == ["0", "KEPT"]
    assert peer.batches == [["0"], ["kept"]]


async def test_a_caller_cancelled_while_its_batch_is_under_way_harms_nobody() -> None:
    peer = Peer()
    calls = coalescer(peer)
    left, kept = calls.submit("left"), calls.submit("kept")
    await turns()
    left.cancel()
    peer.open.set()
    assert await kept == "KEPT"


async def test_a_queue_of_cancelled_callers_sends_nothing_and_goes_on() -> None:
    peer = Peer()
    peer.open.set()
    calls = coalescer(peer, items=2)
    for answer in [calls.submit(str(number)) for number in range(10)]:
        answer.cancel()
    await turns()
    assert peer.batches == []
    assert await calls.submit("next") == "NEXT"


async def test_a_call_that_expired_in_the_queue_is_not_sent() -> None:
    peer = Peer()
    calls = coalescer(peer)
    first = calls.submit("0")
    await turns()
    now = asyncio.get_running_loop().time()
    late, kept = calls.submit("late", deadline=now), calls.submit("kept", deadline=now + 60)
    peer.open.set()
    assert (await error_of(late)).kind is Kind.DEADLINE_EXCEEDED
    assert list(await asyncio.gather(first, kept)) == ["0", "KEPT"]
    assert peer.batches == [["0"], ["kept"]]


async def test_an_item_may_fail_alone() -> None:
    bad = MeshError(Kind.NOT_FOUND, "RESOURCE_NOT_FOUND", "no such thing")
    peer = Peer(lambda items: [bad if item == "bad" else item for item in items])
    peer.open.set()
    calls = coalescer(peer)
    good, failed, other = (calls.submit(item) for item in ("good", "bad", "other"))
    assert await error_of(failed) is bad
    assert list(await asyncio.gather(good, other)) == ["good", "other"]


async def test_an_error_of_the_send_is_the_error_of_each_call_in_the_batch_and_of_no_other() -> None:
    def answer(items: Sequence[str]) -> Sequence[str | MeshError]:
        if "bad" in items:
            raise MeshError(Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "away", retry_after=1.0)
        return items

    peer = Peer(answer)
    peer.open.set()
    calls = coalescer(peer, items=2)
    answers = [calls.submit(item) for item in ("bad", "a", "b", "c")]
    assert [(await error_of(answer)).kind for answer in answers[:2]] == [Kind.UNAVAILABLE] * 2
    assert list(await asyncio.gather(*answers[2:])) == ["b", "c"]


class Reports:
    """What the loop was told of failures that have no caller."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.seen: list[object] = []

    def __enter__(self) -> list[object]:
        self._before = self.loop.get_exception_handler()
        self.loop.set_exception_handler(lambda _, context: self.seen.append(context.get("exception")))
        return self.seen

    def __exit__(self, *_: object) -> None:
        self.loop.set_exception_handler(self._before)


async def test_an_unexpected_exception_is_reported_and_its_text_does_not_reach_the_callers() -> None:
    def answer(items: Sequence[str]) -> Sequence[str | MeshError]:
        raise RuntimeError("secret")

    peer = Peer(answer)
    peer.open.set()
    with Reports() as reported:
        error = await error_of(coalescer(peer).submit("a"))
    assert error.kind is Kind.INTERNAL
    assert "secret" not in error.message
    assert [str(found) for found in reported] == ["secret"]


@pytest.mark.parametrize("answers", [[], ["A"], ["A", "B", "C"]])
async def test_too_few_or_too_many_answers_leave_no_caller_waiting(answers: list[str]) -> None:
    peer = Peer(lambda items: answers)
    peer.open.set()
    calls = coalescer(peer)
    with Reports() as reported:
        errors = [await error_of(answer) for answer in (calls.submit("a"), calls.submit("b"))]
    assert {error.kind for error in errors} == {Kind.INTERNAL}
    assert len(reported) == 1


async def test_a_send_cancelled_from_inside_leaves_no_caller_waiting() -> None:
    def answer(items: Sequence[str]) -> Sequence[str | MeshError]:
        raise asyncio.CancelledError

    peer = Peer(answer)
    peer.open.set()
    calls = coalescer(peer)
    assert (await error_of(calls.submit("a"))).kind is Kind.ABORTED
    peer.answer = upper
    assert await calls.submit("b") == "B"


async def test_drain_waits_for_what_waits_and_what_is_under_way() -> None:
    peer = Peer()
    calls = coalescer(peer)
    answers = [calls.submit("a")]
    await turns()
    answers.append(calls.submit("b"))
    drain = asyncio.create_task(calls.drain())
    await asyncio.sleep(0.02)
    assert not drain.done()
    peer.open.set()
    async with asyncio.timeout(5):
        await drain
    assert [answer.result() for answer in answers] == ["A", "B"]


Send = Callable[[Sequence[int]], Awaitable[Sequence[int | MeshError | asyncio.Future[int]]]]


def numbers(send: Send) -> Coalescer[int, int]:
    return Coalescer("test", send, max_items=100, max_bytes=1_000, max_in_flight=1)


async def test_call_whose_answer_is_a_future_waits_on_while_its_batch_is_done() -> None:
    later: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def send(items: Sequence[int]) -> Sequence[int | MeshError | asyncio.Future[int]]:
        return [later if item == 0 else item for item in items]

    calls = numbers(send)
    slow, quick = calls.submit(0), calls.submit(1)
    assert await quick == 1
    assert await calls.submit(2) == 2, "the place of the batch is free again"
    assert not slow.done()
    later.set_result(7)
    assert await slow == 7


@pytest.mark.parametrize("before", [True, False])
async def test_call_that_is_given_up_gives_up_what_it_waits_for(before: bool) -> None:
    later: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    entered, gate = asyncio.Event(), asyncio.Event()

    async def send(items: Sequence[int]) -> Sequence[int | MeshError | asyncio.Future[int]]:
        entered.set()
        await gate.wait()
        return [later]

    answer = numbers(send).submit(0)
    await entered.wait()
    if before:
        answer.cancel()
    gate.set()
    await asyncio.sleep(0.01)
    answer.cancel()
    await asyncio.sleep(0)
    assert later.cancelled()


async def test_error_of_what_a_call_waits_for_is_its_own() -> None:
    later: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def send(items: Sequence[int]) -> Sequence[int | MeshError | asyncio.Future[int]]:
        return [later] * len(items)

    answer = numbers(send).submit(0)
    later.set_exception(deadline_exceeded())
    with pytest.raises(MeshError, match="deadline"):
        await answer


class Observer(Peer):
    """Remembers in which context each batch was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[CallContext] = []

    async def send(self, items: Sequence[str]) -> Sequence[str | MeshError]:
        self.calls.append(current())
        return await super().send(items)


async def test_a_batch_goes_on_in_the_trace_of_its_own_calls_and_with_the_rights_of_none() -> None:
    peer = Observer()
    calls = coalescer(peer)
    for number in range(3):
        set_current(CallContext(f"request {number}", f"00-{number + 1:032x}-{1:016x}-00", token="secret"))
        calls.submit(f"item {number}")
        if not number:
            await turns()
    peer.open.set()
    await calls.drain()
    assert peer.batches == [["item 0"], ["item 1", "item 2"]]
    assert [call.request_id for call in peer.calls] == ["request 0", "request 1"]
    assert [int(call.trace_id, 16) for call in peer.calls] == [1, 2]
    assert {(call.token, call.principal, call.span) for call in peer.calls} == {("", None, None)}


async def test_a_batch_is_one_span_under_its_first_recorded_call_that_links_all_of_them() -> None:
    recording, peer = Recording(), Observer()
    peer.open.set()
    recorded = [recording.call(f"call {number}") for number in range(3)]
    calls = coalescer(peer)
    answers = [calls.submit("x", call=call) for call in (CallContext("plain"), *recorded)]
    await asyncio.gather(*answers)
    (span,) = recording.spans()
    assert span.context is not None and span.parent is not None and span.attributes is not None
    assert (span.name, span.attributes["rampart.items"]) == ("batch test", 4)
    assert f"{span.parent.span_id:016x}" == recorded[0].span_id
    assert [f"{link.context.span_id:016x}" for link in span.links] == [call.span_id for call in recorded]
    assert peer.calls[0].span_id == f"{span.context.span_id:016x}"


async def test_the_span_of_a_batch_that_fails_says_why() -> None:
    def fail(_: Sequence[str]) -> Sequence[str]:
        raise MeshError(Kind.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "m")

    recording, peer = Recording(), Peer(fail)
    peer.open.set()
    await error_of(coalescer(peer).submit("x", call=recording.call()))
    (span,) = recording.spans()
    assert span.attributes is not None and span.attributes["error.type"] == "DEPENDENCY_UNAVAILABLE"
