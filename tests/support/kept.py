"""Processes that decide over logs that a keeper looks after, held against a twin that never loses anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from redis.asyncio import Redis

from services.fraud.domain.check import Check
from services.fraud.ports.restoring import LogRestorer
from tests.support.engine import Engine, engines, eventually, keeping
from tests.support.fraud import new_tenant
from tests.support.servers import Database
from tests.support.twin import Twin, seen_by

__all__ = ["Kept", "started"]


class Kept:
    """Processes that decide, and a twin of everything that was committed."""

    def __init__(self, processes: Sequence[Engine]) -> None:
        self.engines = processes
        self.twin = Twin()

    async def decide(self, *checks: Check, engine: int = 0) -> Sequence[tuple[str, ...]]:
        """Decides, holds what each saw against the twin, and returns what each was decided without."""
        found = await self.engines[engine].see(*checks)
        for asked, seen in zip(checks, found, strict=True):
            assert seen_by(seen) == self.twin.check(asked), (asked.transaction_id, seen.basis)
        return [each.degraded for each in found]

    async def decide_one(self, asked: Check, engine: int = 0) -> tuple[str, ...]:
        (degraded,) = await self.decide(asked, engine=engine)
        return degraded

    async def until_whole(self, *tenants: str) -> None:
        async def whole() -> bool:
            try:
                return all([await each.whole(tenant) for each in self.engines for tenant in tenants])
            except Exception as error:
                assert "Unavailable" in type(error).__name__
                return False

        await eventually(whole)


@asynccontextmanager
async def started(redis: Redis, database: Database, restorer: LogRestorer | None = None) -> AsyncIterator[Kept]:
    """Two processes, with a keeper at work, once all logs are known to be whole."""
    async with AsyncExitStack() as stack:
        processes = await stack.enter_async_context(engines(database, redis, redis))
        await stack.enter_async_context(keeping(processes[0], database, restorer=restorer))
        kept = Kept(processes)
        await kept.until_whole(new_tenant())
        yield kept
