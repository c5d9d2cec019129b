"""Lends connections for reads: their own, so that no write waits for one, and to each tenant no more than its share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from prometheus_client import Counter

from meshkit.context import current
from meshkit.errors import Kind, MeshError
from meshkit.settings import Reader
from meshkit.storage.postgres import Connection, Pool, connected, pool, transaction

__all__ = ["ReadLimits", "Reads", "read_pool"]

_refused = Counter("reads_refused", "Reads refused because too many of the tenant waited, or for too long.")

READS, READS_PER_TENANT = 6, 4
READ_SECONDS = 1.5
"""Longest that a statement may run: less than a caller waits for its answer."""
WAIT_SECONDS = 1.0
WAIT_SHARE = 0.8
"""Part of what is left of a call's deadline for which it waits at most; `WAIT_SECONDS` for a call without one."""
WAITING = 256
"""Most reads of one tenant that wait for their turn."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How many reads are under way at once, and how many of one tenant."""

    total: int = READS
    """Reads of stored rows at once in one process, in connections of their own: no decision waits for one."""
    per_tenant: int = READS_PER_TENANT
    """Reads of stored rows at once that one tenant may hold of those of a process."""

    @classmethod
    def read(cls, reader: Reader) -> ReadLimits:
        return cls(
            total=reader.number("RAMPART_READS", READS, low=1, high=100),
            per_tenant=reader.number("RAMPART_READS_PER_TENANT", READS_PER_TENANT, low=1, high=100),
        )


class _Share:
    __slots__ = ("turns", "users")

    def __init__(self, size: int) -> None:
        self.turns = asyncio.Semaphore(size)
        self.users = 0


class Reads:
    """Transactions of a pool that only reads use. Every wait has a bound."""

    def __init__(self, lent: Pool, limits: ReadLimits = ReadLimits()) -> None:
        self._pool = lent
        self._limits = limits
        self._shares: dict[str, _Share] = {}

    @asynccontextmanager
    async def of(self, tenant_id: str) -> AsyncIterator[Connection]:
        """Opens a transaction that sees the rows of the tenant. Raises MeshError OVERLOADED and UNAVAILABLE."""
        async with self._turn(tenant_id), transaction(self._pool, [tenant_id], wait=_patience()) as connection:
            yield connection

    @asynccontextmanager
    async def one(self, tenant_id: str) -> AsyncIterator[Connection]:
        """Lends a connection for one statement that names the tenant itself. Raises as `of` does."""
        async with self._turn(tenant_id), connected(self._pool, wait=_patience()) as connection:
            yield connection

    @asynccontextmanager
    async def _turn(self, tenant_id: str) -> AsyncIterator[None]:
        share = self._shares.get(tenant_id)
        if share is None:
            share = self._shares[tenant_id] = _Share(min(self._limits.per_tenant, self._limits.total))
        if share.users >= self._limits.per_tenant + WAITING:
            raise _overloaded()
        share.users += 1
        try:
            await _wait_for(share.turns)
            try:
                yield
            finally:
                share.turns.release()
        finally:
            share.users -= 1
            if not share.users:
                del self._shares[tenant_id]


def read_pool(dsn: str, limits: ReadLimits) -> AbstractAsyncContextManager[Pool]:
    """Opens the connections of `Reads` for the block, none before it is needed."""
    return pool(dsn, size=limits.total, seconds=READ_SECONDS)


async def _wait_for(turns: asyncio.Semaphore) -> None:
    if not turns.locked():
        await turns.acquire()
        return
    try:
        async with asyncio.timeout(_patience()):
            await turns.acquire()
    except TimeoutError:
        raise _overloaded() from None


def _patience() -> float:
    left = current().remaining
    return WAIT_SECONDS if left is None else left * WAIT_SHARE


def _overloaded() -> MeshError:
    _refused.inc()
    return MeshError(
        Kind.RESOURCE_EXHAUSTED,
        "OVERLOADED",
        "too many reads of the tenant wait for their turn",
        metadata={"limit": "the tenant"},
        retry_after=1.0,
    )
