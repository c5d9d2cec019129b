"""Users as a Locust file describes them: each has a connection, thinks, lists tasks three times for each it creates.

`python -m tests.load.users --home .rampart --connections 10000 --seconds 30`
`python -m tests.load.users --home .rampart --connections 128 --think 0 0` sends without a pause, which saturates.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import time

from console.failure import CommandFailure
from console.http import HttpClient, Response
from tests.load.arguments import load_parser, run_load
from tests.load.connection import Connection
from tests.load.driver import Driver
from tests.load.workload import TASKS_PATH, Target, TaskRequests, new_task

__all__ = ["CREATE", "LIST", "PATIENCE", "THINK", "Users"]

LIST, CREATE = "list", "create"
LISTS_PER_CREATE = 3
THINK = (0.1, 0.5)
"""Seconds between an answer and the same user's next request, uniformly distributed."""
PATIENCE = 60.0
"""Locust itself waits for ever; a user whose answer takes longer than so many seconds counts as an error here."""


class Users(Driver):
    """As many users as connections. Each acts on its own: no request waits for another user's answer."""

    reads = frozenset({LIST})

    def __init__(
        self,
        target: Target,
        users: int,
        *,
        think: tuple[float, float] = THINK,
        ramp: float = 0.0,
        patience: float = PATIENCE,
        seed: int = 1,
    ) -> None:
        super().__init__(target.address, users, ramp=ramp, patience=patience)
        self._requests = TaskRequests.to(target)
        self._think = think
        self._chance = random.Random(seed)
        self._loop = asyncio.get_running_loop()
        self._sending = True

    async def _load(self, seconds: float) -> None:
        await self._pause(seconds)
        self._sending = False

    def _opened(self, connection: Connection) -> None:
        self._think_then_act(connection)

    def answered(self, connection: Connection, status: int, body: bytes) -> None:
        self._count(connection, status, body, time.perf_counter())
        self._think_then_act(connection)

    def _think_then_act(self, connection: Connection) -> None:
        if not self._sending:
            return
        shortest, longest = self._think
        if longest > 0:
            self._loop.call_later(self._chance.uniform(shortest, longest), self._act, connection)
        else:
            self._act(connection)

    def _act(self, connection: Connection) -> None:
        if not self._sending or connection not in self._open:
            return
        if self._chance.random() * (LISTS_PER_CREATE + 1) < 1:
            connection.send(self._requests.create, time.perf_counter(), CREATE)
        else:
            connection.send(self._requests.list, time.perf_counter(), LIST)


async def try_tasks(target: Target) -> None:
    """Creates a task and lists. Raises CommandFailure unless both answer: what refuses quickly must not look fast."""
    bearer = ("authorization", f"Bearer {target.token}")
    with contextlib.closing(HttpClient(target.base_url, connections=1, timeout=PATIENCE)) as client:
        created = await client.request(
            "POST", target.path, headers=[bearer, ("content-type", "application/json")], body=new_task()
        )
        _expect(created, b'"priority"', target, "create")
        _expect(await client.request("GET", target.path, headers=[bearer]), b'"tasks"', target, "list")


def _expect(answer: Response, content: bytes, target: Target, what: str) -> None:
    if answer.status not in (200, 201) or content not in answer.body or not isinstance(json.loads(answer.body), dict):
        raise CommandFailure(f"{what} at {target.base_url}{target.path} answers {answer.status}: {answer.body[:300]!r}")


def main() -> int:
    parser = load_parser("load an address with users who create and list tasks", connections=10_000, path=TASKS_PATH)
    parser.add_argument("--think", type=float, nargs=2, default=THINK, metavar="S", help="(default 0.1 0.5)")
    parser.add_argument("--ramp", type=float, default=5.0, help="seconds until all are there (default %(default)g)")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds for one answer (default %(default)g)")
    arguments = parser.parse_args()

    def make(target: Target) -> Driver:
        return Users(
            target,
            arguments.connections,
            think=tuple(arguments.think),
            ramp=arguments.ramp,
            patience=arguments.patience,
            seed=arguments.seed,
        )

    return run_load(arguments, make, try_tasks)


if __name__ == "__main__":
    sys.exit(main())
