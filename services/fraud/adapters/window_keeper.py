"""Keeps the windows in Redis true to the store: fills them after a loss and withdraws what was never committed.

A restart of Redis may lose its last seconds, or everything. The windows are then "cold": features come from the store
while the decisions that are missing are loaded, tenant by tenant, and the windows are declared complete for this run of
the server. What is loaded reaches back as far as the windows, so a device that a user last had before that looks new
again after a total loss. Reservations of a process that died before its commit are found by their age and looked up in
the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import asyncpg
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from meshkit.canonical import canonical_address
from meshkit.errors import MeshError
from meshkit.storage.leader import Leader, Session
from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.redis_windows import (
    PENDING,
    READY,
    RedisWindows,
    split_reservation_key,
)
from services.fraud.domain.check import WindowEntry
from services.fraud.ports import DecisionStore

__all__ = ["WindowKeeper"]

_log = logging.getLogger(__name__)
_loaded = Counter("windows_loaded", "Committed transactions that were put back into the windows.")
_withdrawn = Counter("windows_withdrawn", "Reservations withdrawn because they were never committed.")

RETAIN = timedelta(hours=48, minutes=5)
# What the server may have lost at the end of its log, and how long a commit may take after its features were read.
LOST_TAIL = timedelta(seconds=10)
LONGEST_COMMIT = timedelta(seconds=8)
# Decisions bear the time of the replica that made them. By how much it may differ from ours and from Redis's.
CLOCK_SKEW = timedelta(minutes=5)
CHUNK = 500
SWEEP_SECONDS = 2.0
COLD_CHECK_SECONDS = 1.0
GRACE_SECONDS = 10.0

# The relay's role may read the outbox of all tenants and nothing else: it tells which tenants have had decisions.
_TENANTS = "SELECT DISTINCT tenant_id FROM outbox WHERE created_at >= $1"

_DECISIONS = """
SELECT transaction_id, user_id, coalesce(device_fingerprint, '') AS device, coalesce(ip_address, '') AS ip,
    coalesce(merchant_id, '') AS merchant, amount_minor, currency, event_time
FROM decisions WHERE tenant_id = $1 AND create_time >= $2 ORDER BY event_time"""


class WindowKeeper:
    """A task of every replica of the fraud service; one of them does the work."""

    def __init__(self, *, relay_dsn: str, redis: Redis, pool: Pool, store: DecisionStore) -> None:
        self._redis = redis
        self._pool = pool
        self._store = store
        self._windows = RedisWindows(redis, on_cold=self.wake)
        self._leader = Leader(relay_dsn, "window keeper", self._keep)
        self._cold = asyncio.Event()

    def wake(self) -> None:
        """Tells the keeper that the windows are cold."""
        self._cold.set()

    async def run(self) -> None:
        """Works whenever this process leads, until cancelled."""
        await self._leader.run()

    async def _keep(self, session: Session) -> None:
        while True:
            try:
                await self._fill(session)
                await self._sweep()
            except (RedisError, OSError, TimeoutError) as error:
                _log.warning("the windows cannot be kept: %s", type(error).__name__)
            self._cold.clear()
            try:
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._cold.wait()
            except TimeoutError:
                continue

    async def _fill(self, session: Session) -> None:
        """Loads what the windows lack, if they are cold, and declares them complete."""
        run = str((await self._redis.info("server"))["run_id"])
        if await self._redis.get(READY) == run.encode():
            return
        alive = await self._redis.get(f"{READY}:alive")
        began = now = datetime.now(UTC)
        since = datetime.fromtimestamp(int(alive) / 1000, UTC) - LOST_TAIL - CLOCK_SKEW if alive else now - RETAIN
        _log.info("filling the windows", extra={"fields": {"since": since.isoformat()}})
        loaded = await self._load(session, since)
        # Decisions that were made from the store meanwhile; then those that were still on their way to their commit.
        while (again := datetime.now(UTC)) - now > timedelta(seconds=1):
            loaded += await self._load(session, now - LONGEST_COMMIT)
            now = again
        await self._redis.set(READY, run)
        await asyncio.sleep(LONGEST_COMMIT.total_seconds())
        loaded += await self._load(session, began - 2 * LONGEST_COMMIT - CLOCK_SKEW)
        _log.info("the windows are complete", extra={"fields": {"loaded": loaded}})

    async def _load(self, session: Session, since: datetime) -> int:
        tenants = [str(row["tenant_id"]) for row in await session.fetch(_TENANTS, since)]
        return sum([await self._load_tenant(tenant, since) for tenant in tenants])

    async def _load_tenant(self, tenant_id: str, since: datetime) -> int:
        loaded = 0
        async with transaction(self._pool, [tenant_id]) as connection:
            chunk: list[WindowEntry] = []
            async for row in connection.cursor(_DECISIONS, tenant_id, since, prefetch=CHUNK):
                chunk.append(_entry(tenant_id, row))
                if len(chunk) == CHUNK:
                    loaded += await self._load_chunk(chunk)
                    chunk = []
            return loaded + await self._load_chunk(chunk)

    async def _load_chunk(self, entries: Sequence[WindowEntry]) -> int:
        loaded = await self._windows.load(entries)
        _loaded.inc(loaded)
        return loaded

    async def _sweep(self) -> None:
        """Looks up old reservations in the store: those committed stay, the others are withdrawn."""
        # By the clock that stamped them: those of two replicas may be minutes apart.
        seconds, _ = await self._redis.time()
        horizon = (seconds - GRACE_SECONDS) * 1000
        found = await self._redis.zrange(PENDING, "-inf", f"({horizon:.0f}", byscore=True, offset=0, num=CHUNK)
        keys = [key.decode() for key in cast("list[bytes]", found)]
        if not keys:
            return
        try:
            stored = await self._store.existing([split_reservation_key(key) for key in keys])
        except MeshError:
            return
        await self._redis.zrem(PENDING, *keys)
        ghosts = [key for key in keys if split_reservation_key(key) not in stored]
        if ghosts:
            await self._windows.withdraw(ghosts)
            _withdrawn.inc(len(ghosts))
            _log.info("withdrew %d reservations that were never committed", len(ghosts))


def _entry(tenant_id: str, row: asyncpg.Record) -> WindowEntry:
    # Rows from before addresses had a canonical form may have another.
    return WindowEntry(
        tenant_id=tenant_id,
        transaction_id=row["transaction_id"],
        user_id=row["user_id"],
        device=row["device"],
        ip=canonical_address(row["ip"]) or row["ip"],
        merchant=row["merchant"],
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        event_time=row["event_time"],
    )
