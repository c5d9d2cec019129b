"""A bounded stream of fraud checks, and what became of each."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

from console.http import HttpError, Response
from tests.steelthread.edge import Edge, a_check

__all__ = ["Load"]


class Load:
    """Sends checks at a steady rate, whatever the answers; each is of a user and a device of its own, sent once."""

    def __init__(self, edge: Edge, name: str) -> None:
        self._edge = edge
        self._name = name
        self.sent: dict[str, dict[str, Any]] = {}
        """The checks by transaction_id."""
        self.acknowledged: dict[str, dict[str, Any]] = {}
        """The decisions by transaction_id."""
        self.refused: list[tuple[Response, float]] = []
        """Answers that are no decision, with the seconds that they took."""
        self.broken: list[str] = []
        """Why there was no answer."""

    async def run(self, *, rate: float, seconds: float) -> None:
        """Returns when the last check is answered."""
        start = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number in itertools.count():
                due = number / rate
                if due >= seconds:
                    break
                await asyncio.sleep(start + due - time.monotonic())
                tasks.create_task(self._send(f"{self._name}-{number:05}"))

    async def send_again(self) -> None:
        """Sends what was not acknowledged once more; every check must then have its decision."""
        for transaction in self.sent.keys() - self.acknowledged.keys():
            self.acknowledged[transaction] = await self._edge.check(**self.sent[transaction])

    async def _send(self, transaction: str) -> None:
        check = self.sent[transaction] = a_check(transaction_id=transaction)
        started = time.monotonic()
        try:
            answer = await self._edge.post_check(**check)
        except HttpError as error:
            self.broken.append(str(error))
            return
        if answer.status == 200:
            self.acknowledged[transaction] = answer.json()
        else:
            self.refused.append((answer, time.monotonic() - started))
