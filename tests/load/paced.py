"""Open loop: requests leave at a fixed rate whatever the server does, and each one's time counts from when it was due.

`python -m tests.load.paced --home .rampart --rate 120 --seconds 20`
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle

from tests.load.arguments import load_parser, run_load
from tests.load.connection import Connection
from tests.load.driver import Driver
from tests.load.histogram import Histogram
from tests.load.result import Result, Spread
from tests.load.workload import Target, fraud_checks

__all__ = ["PacedLoop"]

LONGEST_QUEUE_SECONDS = 5.0
"""Requests due without a free connection wait; more than this many seconds' worth of them are errors instead."""


class PacedLoop(Driver):
    """`rate` requests per second over connections that take turns."""

    def __init__(self, address: tuple[str, int], requests: Sequence[bytes], connections: int, rate: float) -> None:
        super().__init__(address, connections)
        self._next = cycle(requests).__next__
        self._rate = rate
        self._free: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self._most_due = max(1, int(rate * LONGEST_QUEUE_SECONDS))
        self._lags = Histogram()

    async def _load(self, seconds: float) -> None:
        begun = time.perf_counter()
        for number in range(int(seconds * self._rate)):
            due = begun + number / self._rate
            if (ahead := due - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            self._lags.add(max(0.0, time.perf_counter() - due))
            self._submit(due)

    def _submit(self, due: float) -> None:
        if len(self._due) >= self._most_due:
            self._tally.fail(f"not sent: no connection was free for {LONGEST_QUEUE_SECONDS:g} s")
            return
        self._due.append(due)
        while self._due and self._free:
            connection = self._free.popleft()
            if connection in self._open:
                connection.send(self._next(), self._due.popleft())

    def _opened(self, connection: Connection) -> None:
        if self._due:
            connection.send(self._next(), self._due.popleft())
        else:
            self._free.append(connection)

    def answered(self, connection: Connection, status: int, body: bytes) -> None:
        self._count(connection, status, body, time.perf_counter())
        self._opened(connection)

    def _complete(self, result: Result) -> Result:
        return replace(super()._complete(result), lag_ms=Spread.of(self._lags))


def main() -> int:
    parser = load_parser("load an address at a fixed rate", connections=64)
    parser.add_argument("--rate", type=float, default=120.0, help="requests per second (default %(default)g)")
    arguments = parser.parse_args()

    def make(target: Target) -> Driver:
        users, shops = arguments.users, arguments.shops
        requests = fraud_checks(target, arguments.seed, users, habits=arguments.habits, shops=shops)
        return PacedLoop(target.address, requests, arguments.connections, arguments.rate)

    return run_load(arguments, make)


if __name__ == "__main__":
    sys.exit(main())
