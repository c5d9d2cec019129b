"""What both kinds of load share: connections that are opened again, a time limit on requests, the measured interval."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from abc import ABC, abstractmethod
from dataclasses import replace

from tests.load.connection import Connection
from tests.load.result import Result, Spread, Tally

__all__ = ["CONNECT_SECONDS", "REQUEST_SECONDS", "Driver"]

REQUEST_SECONDS = 10.0
"""A request without an answer after this time counts as an error."""
CONNECT_SECONDS = 5.0
OPEN_SECONDS = 10.0
"""After so long a run begins with the connections that it has; the others go on trying."""
RECONNECT_SECONDS = 0.1
ACCEPTED = (200, 201)
OPENING_AT_ONCE = 100
SWEEP_SECONDS = 0.25


class Driver(ABC):
    """Loads one address. Use it once.

    The connections are opened over `ramp` seconds; a request is given up `patience` seconds after it was to be sent.
    """

    reads: frozenset[str] = frozenset()
    """Labels of the requests that store nothing."""

    def __init__(
        self, address: tuple[str, int], connections: int, *, ramp: float = 0.0, patience: float = REQUEST_SECONDS
    ) -> None:
        self._address = address
        self._connections = connections
        self._ramp = ramp
        self._patience = patience
        self._exhausted = asyncio.Event()
        """Set by a load whose requests were to be sent once and have been."""
        self._tally = Tally()
        self._open: set[Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._running = False
        self._gate = asyncio.Semaphore(OPENING_AT_ONCE)

    async def run(self, warm_up: float, seconds: float) -> Result:
        """Opens the connections, loads for `warm_up` seconds unmeasured and then `seconds` measured."""
        self._running = True
        tasks = [asyncio.create_task(self._sweep())]
        try:
            await self._open_all()
            tasks.append(load := asyncio.create_task(self._load(warm_up + seconds)))
            await asyncio.sleep(warm_up)
            result = await self._measure(seconds)
            await load
            await self._drain()
        finally:
            self._running = False
            for task in (*tasks, *self._opening):
                task.cancel()
            for connection in list(self._open):
                connection.abort("generator stopped")
        return self._complete(result)

    @abstractmethod
    async def _load(self, seconds: float) -> None:
        """Sends requests for so long; requests may be under way when it returns."""

    @abstractmethod
    def _opened(self, connection: Connection) -> None:
        """A connection is there and free."""

    @abstractmethod
    def answered(self, connection: Connection, status: int, body: bytes) -> None: ...

    def lost(self, connection: Connection, cause: str) -> None:
        self._open.discard(connection)
        if cause:
            self._tally.fail(cause)
        if self._running:
            self._reopen()

    def _count(self, connection: Connection, status: int, body: bytes, now: float) -> None:
        if status in ACCEPTED:
            self._tally.accept(now - connection.started, connection.label)
        else:
            self._tally.refuse(status, body)

    async def _open_all(self) -> None:
        step = self._ramp / self._connections
        tasks = [self._start_opening(number * step) for number in range(self._connections)]
        await asyncio.wait(tasks, timeout=self._ramp + OPEN_SECONDS)

    def _reopen(self) -> None:
        self._start_opening(RECONNECT_SECONDS)

    def _start_opening(self, delay: float) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._connect(delay))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return task

    async def _connect(self, delay: float) -> None:
        """Opens one connection, trying again as long as the run lasts."""
        await asyncio.sleep(delay)
        host, port = self._address
        while self._running:
            try:
                async with self._gate, asyncio.timeout(CONNECT_SECONDS):
                    _, connection = await asyncio.get_running_loop().create_connection(
                        lambda: Connection(self), host, port
                    )
            except OSError as error:  # TimeoutError is one
                self._tally.fail(f"cannot connect ({type(error).__name__})")
                await asyncio.sleep(RECONNECT_SECONDS)
            else:
                self._open.add(connection)
                self._opened(connection)
                return

    async def _measure(self, seconds: float) -> Result:
        begun, cpu = time.perf_counter(), _cpu_seconds()
        self._tally.measuring = True
        await self._pause(seconds)
        self._tally.measuring = False
        lasted, used = time.perf_counter() - begun, _cpu_seconds() - cpu
        completed = self._tally.latencies.count
        return Result(
            connections=self._connections,
            seconds=lasted,
            completed=completed,
            per_second=completed / lasted,
            latency_ms=Spread.of(self._tally.latencies),
            errors={},
            accepted=0,
            stores=0,
            generator_cpu_share=used / lasted,
            generator_cpu_us=used / max(1, completed) * 1e6,
            by_label={label: Spread.of(times) for label, times in sorted(self._tally.by_label.items())},
        )

    async def _pause(self, seconds: float) -> None:
        """Waits so long, or until there is nothing more to send."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._exhausted.wait()

    def _complete(self, result: Result) -> Result:
        """Adds what is known only after the last answer."""
        accepted = self._tally.accepted
        stores = sum(count for label, count in accepted.items() if label not in self.reads)
        return replace(result, errors=dict(self._tally.errors), accepted=accepted.total(), stores=stores)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            oldest = time.perf_counter() - self._patience
            for connection in [one for one in self._open if one.busy and one.started < oldest]:
                connection.abort(f"no answer in {self._patience:g} s")

    async def _drain(self) -> None:
        """Waits for the answers under way; the sweep bounds it."""
        while any(connection.busy for connection in self._open):
            await asyncio.sleep(0.01)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
