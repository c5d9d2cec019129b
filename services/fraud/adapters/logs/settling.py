"""Settles batches in Redis, many at once: takes their reservations away, and withdraws what was not committed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextvars import Context

from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.errors import MeshError
from services.fraud.ports import WRITES_AT_ONCE, LogWrite, Ticket

__all__ = ["LogSettling", "Withdraw"]

_log = logging.getLogger(__name__)

SETTLE_QUEUE = 10_000
# Batches are gathered for so long whose reservations go at once. Withdrawals are not waited for.
SETTLE_SECONDS = 0.05
RECALLED_SECONDS = 5.0
"""For so long a batch is known whose attempts were withdrawn. Whoever met one of them in the logs before that reads as
of it, and asks for its place at most `waits.LONGEST_READ` later."""
Withdraw = Callable[[Sequence[LogWrite]], Awaitable[bytes]]
"""Appends records that withdraw others, and returns the reservation of that."""


class LogSettling:
    """Notes what is to be settled, and does so soon after. `pending` names the reservations of this process."""

    def __init__(self, redis: Redis, pending: bytes, withdraw: Withdraw) -> None:
        self._redis = redis
        self._pending = pending
        self._withdraw = withdraw
        self._settled: list[bytes] = []
        self._withdrawing: list[LogWrite] = []
        self._withdrawn: list[bytes] = []
        """Names of the batches that these are of."""
        self._recalled: deque[tuple[float, bytes]] = deque()
        """Names of batches with withdrawals, and from when on they may be settled."""
        self._withdrawals = 0
        """On their way."""
        self._task: asyncio.Task[None] | None = None

    def settle(self, ticket: Ticket, withdrawn: Sequence[LogWrite]) -> None:
        """Does as the port of the logs says."""
        if len(self._settled) + len(self._withdrawn) + len(self._recalled) > SETTLE_QUEUE:
            # Dropped on purpose: the keeper looks them up in the store.
            return
        (self._withdrawn if withdrawn else self._settled).extend(ticket.names)
        self._withdrawing += withdrawn
        if self._task is None or self._task.done():
            # For many calls, so in the context of none.
            self._task = asyncio.create_task(self._settle_quietly(), context=Context())

    async def withdrawals(self) -> None:
        """Waits until what is to be withdrawn by now is so in the logs, or has failed to be."""
        if (self._withdrawing or self._withdrawals) and self._task is not None:
            await asyncio.shield(self._task)

    async def _settle_quietly(self) -> None:
        while self._settled or self._withdrawing:
            if not self._withdrawing:
                await asyncio.sleep(SETTLE_SECONDS)
            settled, self._settled = [*self._settled, *self._forgotten()], []
            try:
                # First: a reservation that is gone is withdrawn by nobody else.
                settled += await self._withdraw_all()
                if settled:
                    await self._redis.hdel(self._pending, *settled)
            except (RedisError, OSError, TimeoutError, MeshError) as error:
                _log.warning("%d reservations are settled later: %s", len(settled), type(error).__name__)
                return

    async def _withdraw_all(self) -> Sequence[bytes]:
        """Appends the withdrawals, and returns their own reservations."""
        withdrawn, self._withdrawing = self._withdrawing, []
        names, self._withdrawn = self._withdrawn, []
        self._withdrawals = len(withdrawn)
        try:
            made = [
                await self._withdraw(withdrawn[start : start + WRITES_AT_ONCE])
                for start in range(0, len(withdrawn), WRITES_AT_ONCE)
            ]
        finally:
            self._withdrawals = 0
        until = time.monotonic() + RECALLED_SECONDS
        self._recalled.extend((until, name) for name in names)
        return made

    def _forgotten(self) -> Iterator[bytes]:
        """Takes the batches that nobody asks for any more. The last of them may be left to the keeper."""
        now = time.monotonic()
        while self._recalled and self._recalled[0][0] <= now:
            yield self._recalled.popleft()[1]
