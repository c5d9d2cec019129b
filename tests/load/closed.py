"""Closed loop: every connection sends its next request when the last is answered. Finds the most that a server takes.

`python -m tests.load.closed --home .rampart --connections 128 --seconds 10`
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from itertools import cycle

from tests.load.arguments import load_parser, run_load
from tests.load.connection import Connection
from tests.load.driver import Driver
from tests.load.workload import Target, each_user, fraud_checks

__all__ = ["ClosedLoop"]


class ClosedLoop(Driver):
    """As many requests under way as there are connections."""

    def __init__(
        self, address: tuple[str, int], requests: Sequence[bytes], connections: int, *, once: bool = False
    ) -> None:
        super().__init__(address, connections)
        self._next = (iter(requests) if once else cycle(requests)).__next__
        self._sending = False

    async def _load(self, seconds: float) -> None:
        self._sending = True
        for connection in list(self._open):
            self._opened(connection)
        await self._pause(seconds)
        self._sending = False

    def _opened(self, connection: Connection) -> None:
        if self._sending and not connection.busy:
            self._send_next(connection, time.perf_counter())

    def answered(self, connection: Connection, status: int, body: bytes) -> None:
        now = time.perf_counter()
        self._count(connection, status, body, now)
        if self._sending:
            self._send_next(connection, now)

    def _send_next(self, connection: Connection, now: float) -> None:
        try:
            request = self._next()
        except StopIteration:
            self._sending = False
            self._exhausted.set()
        else:
            connection.send(request, now)


def main() -> int:
    parser = load_parser("load an address with a closed loop", connections=128)
    parser.add_argument("--each-user", action="store_true", help="end when every user has been checked once")
    arguments = parser.parse_args()

    def make(target: Target) -> Driver:
        once: bool = arguments.each_user
        if once:
            requests = each_user(target, arguments.seed, arguments.users)
        else:
            users, shops = arguments.users, arguments.shops
            requests = fraud_checks(target, arguments.seed, users, habits=arguments.habits, shops=shops)
        return ClosedLoop(target.address, requests, arguments.connections, once=once)

    return run_load(arguments, make)


if __name__ == "__main__":
    sys.exit(main())
