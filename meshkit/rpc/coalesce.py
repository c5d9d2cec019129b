"""Coalesces concurrent calls into batches.

There is no timer. A few batches are under way at most; what arrives meanwhile forms the next one. An idle system sends
a call at once, a busy one batches by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from meshkit.context import CallContext, current, set_current
from meshkit.errors import Kind, MeshError, deadline_exceeded, internal
from meshkit.rpc import spans

__all__ = ["Coalescer"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_sizes = Histogram(
    "coalesce_batch_items", "Calls in a batch.", ["name"], buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
_waits = Histogram(
    "coalesce_wait_seconds",
    "Time that the first call of a batch waited for it to leave.",
    ["name"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25),
)
_waiting = Gauge("coalesce_waiting", "Calls that wait for a batch.", ["name"])
_refused = Counter("coalesce_refused", "Calls refused because too many were waiting.", ["name"])


class _Entry(Generic[Item, Answer]):
    __slots__ = ("answer", "arrived", "call", "deadline", "item", "size")

    def __init__(
        self,
        item: Item,
        size: int,
        deadline: float | None,
        arrived: float,
        answer: asyncio.Future[Answer],
        call: CallContext,
    ) -> None:
        self.item = item
        self.call = call
        self.size = size
        self.deadline = deadline
        self.arrived = arrived
        self.answer = answer


class Coalescer(Generic[Item, Answer]):
    """Joins concurrent calls of one method into batches.

    `send` gets the items in order of arrival and returns for each, in the same order, an answer or the error of that
    item alone; an exception of `send` is the error of every item in the batch. In place of an answer it may return the
    future of one: that call waits on, and the batch is done. Bounds: `max_items` and `max_bytes` of a batch,
    `max_in_flight` batches, `max_waiting` calls.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | MeshError | asyncio.Future[Answer]]]],
        *,
        max_items: int,
        max_bytes: int,
        max_in_flight: int,
        max_waiting: int = 10_000,
    ) -> None:
        self._name = name
        self._send = send
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._max_in_flight = max_in_flight
        self._max_waiting = max_waiting
        self._entries: deque[_Entry[Item, Answer]] = deque()
        self._batches: set[asyncio.Task[None]] = set()
        self._scheduled = False
        self._loop = asyncio.get_running_loop()
        self._sizes = _sizes.labels(name)
        self._waits = _waits.labels(name)
        self._refused = _refused.labels(name)
        _waiting.labels(name).set_function(lambda: len(self._entries))

    def submit(
        self, item: Item, *, size: int = 0, deadline: float | None = None, call: CallContext | None = None
    ) -> asyncio.Future[Answer]:
        """Queues a call; the future is its answer. `deadline` is in `time.monotonic()`, `size` in bytes.

        `call` is what it belongs to, if that is not the running one.
        Cancelling the future takes the call out of a batch that has not left; the rest of the batch goes on.
        """
        answer: asyncio.Future[Answer] = self._loop.create_future()
        if len(self._entries) >= self._max_waiting:
            self._refused.inc()
            answer.set_exception(
                MeshError(Kind.RESOURCE_EXHAUSTED, "OVERLOADED", "too many calls are waiting", retry_after=0.1)
            )
            return answer
        self._entries.append(_Entry(item, size, deadline, time.perf_counter(), answer, call or current()))
        self._schedule()
        return answer

    async def drain(self) -> None:
        """Waits until nothing waits and nothing is under way."""
        while self._batches or self._entries:
            self._schedule()
            await asyncio.sleep(0)
            if self._batches:
                await asyncio.wait(self._batches)

    def _schedule(self) -> None:
        # At the end of the loop's turn, so that calls read from several sockets in one turn leave together.
        if not self._scheduled and len(self._batches) < self._max_in_flight:
            self._scheduled = True
            self._loop.call_soon(self._dispatch)

    def _dispatch(self) -> None:
        self._scheduled = False
        while self._entries and len(self._batches) < self._max_in_flight:
            batch = self._take()
            if batch:
                task = self._loop.create_task(self._run(batch))
                self._batches.add(task)
                task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        if self._entries:
            self._schedule()

    def _take(self) -> list[_Entry[Item, Answer]]:
        """Takes the next batch; calls that were cancelled or have expired leave the queue here."""
        batch: list[_Entry[Item, Answer]] = []
        size, now = 0, time.monotonic()
        while self._entries and len(batch) < self._max_items:
            entry = self._entries[0]
            if batch and size + entry.size > self._max_bytes:
                break
            self._entries.popleft()
            if entry.answer.done():
                continue
            if entry.deadline is not None and entry.deadline <= now:
                entry.answer.set_exception(deadline_exceeded())
                continue
            size += entry.size
            batch.append(entry)
        return batch

    async def _run(self, batch: list[_Entry[Item, Answer]]) -> None:
        self._sizes.observe(len(batch))
        self._waits.observe(time.perf_counter() - batch[0].arrived)
        call = spans.joined(self._name, [entry.call for entry in batch])
        set_current(call)
        answers: Sequence[Answer | MeshError | asyncio.Future[Answer]]
        try:
            answers = await self._send([entry.item for entry in batch])
            if len(answers) != len(batch):
                raise RuntimeError(f"{len(batch)} calls were answered with {len(answers)} answers")
        except MeshError as error:
            call.failed(error)
            answers = [error] * len(batch)
        except asyncio.CancelledError:
            # The call was closed under the batch, or the process ends: its callers would wait for ever.
            answers = [MeshError(Kind.ABORTED, "CANCELLED", "the call was given up inside the service")] * len(batch)
        except Exception as error:
            call.failed(internal())
            answers = [internal()] * len(batch)
            self._loop.call_exception_handler({"message": "a batch failed unexpectedly", "exception": error})
        if call.span is not None:
            call.span.end()
        for entry, answer in zip(batch, answers, strict=True):
            if isinstance(answer, asyncio.Future):
                _follow(entry.answer, answer)
            elif entry.answer.done():
                continue
            elif isinstance(answer, MeshError):
                entry.answer.set_exception(answer)
            else:
                entry.answer.set_result(answer)


def _follow(waiting: asyncio.Future[Answer], source: asyncio.Future[Answer]) -> None:
    """Ends a future with another. A call that is given up gives up the other as well."""

    def given_up(_: asyncio.Future[Answer]) -> None:
        source.cancel()

    def answered(_: asyncio.Future[Answer]) -> None:
        if source.cancelled():
            waiting.cancel()
        elif (error := source.exception()) is not None and not waiting.done():
            waiting.set_exception(error)
        elif not waiting.done():
            waiting.set_result(source.result())

    waiting.add_done_callback(given_up)
    source.add_done_callback(answered)
