"""What both kinds of load share: connections that are opened again, a time limit on requests, the measured interval."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import cycle

from tests.load.connection import Connection
from tests.load.result import Result, Spread, Tally

__all__ = ["CONNECT_SECONDS", "REQUEST_SECONDS", "Driver"]

REQUEST_SECONDS = 10.0
"""A request without an answer after this time counts as an error."""
CONNECT_SECONDS = 5.0
RECONNECT_SECONDS = 0.1
OPENING_AT_ONCE = 100
SWEEP_SECONDS = 0.25


class Driver(ABC):
    """Loads one address with pre-rendered requests. Use it once."""

    def __init__(
        self, address: tuple[str, int], requests: Sequence[bytes], connections: int, *, once: bool = False
    ) -> None:
        self._address = address
        self._connections = connections
        self._next = (iter(requests) if once else cycle(requests)).__next__
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
        await asyncio.gather(*[self._connect() for _ in range(self._connections)])
        sweeper = asyncio.create_task(self._sweep())
        load = asyncio.create_task(self._load(warm_up + seconds))
        try:
            await asyncio.sleep(warm_up)
            result = await self._measure(seconds)
            await load
            await self._drain()
        finally:
            self._running = False
            for task in (sweeper, load, *self._opening):
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
        if status == 200:
            self._tally.accept(now - connection.started)
        else:
            self._tally.refuse(status, body)

    def _reopen(self) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(RECONNECT_SECONDS))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self, delay: float = 0.0) -> None:
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
        completed = len(self._tally.latencies)
        return Result(
            connections=self._connections,
            seconds=lasted,
            completed=completed,
            per_second=completed / lasted,
            latency_ms=Spread.of(self._tally.latencies),
            errors={},
            accepted=0,
            generator_cpu_share=used / lasted,
            generator_cpu_us=used / max(1, completed) * 1e6,
        )

    async def _pause(self, seconds: float) -> None:
        """Waits so long, or until there is nothing more to send."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._exhausted.wait(), seconds)

    def _complete(self, result: Result) -> Result:
        """Adds what is known only after the last answer."""
        return Result(**{**result.__dict__, "errors": dict(self._tally.errors), "accepted": self._tally.accepted})

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            oldest = time.perf_counter() - REQUEST_SECONDS
            for connection in [one for one in self._open if one.busy and one.started < oldest]:
                connection.abort(f"no answer in {REQUEST_SECONDS:g} s")

    async def _drain(self) -> None:
        """Waits for the answers under way; the sweep bounds it."""
        while any(connection.busy for connection in self._open):
            await asyncio.sleep(0.01)


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
