"""Keeps the sliding windows in Redis: one script call reserves and reads a whole batch (see reserve.lua)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.fraud.domain.check import Features, Key, WindowEntry
from services.fraud.ports import WindowsUnavailableError

__all__ = ["PENDING", "READY", "RedisWindows", "reservation_key", "split_reservation_key", "window_arguments"]

_log = logging.getLogger(__name__)
_unavailable = Counter("windows_unavailable", "Batches whose features had to come from the store.", ["reason"])

SCRIPT = Path(__file__).with_name("reserve.lua").read_text()
READY = "windows:ready"
PENDING = "windows:pending"
# After a failure the windows are left alone for this long, so that a hanging Redis costs one timeout a second.
PAUSE_SECONDS = 1.0
SETTLE_QUEUE = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RedisWindows:
    """`on_cold` is called when Redis answers but its windows are not complete: after a restart or a loss."""

    def __init__(self, redis: Redis, on_cold: Callable[[], None]) -> None:
        self._redis = redis
        self._script = redis.register_script(SCRIPT)
        self._on_cold = on_cold
        self._paused_until = 0.0
        self._settling: list[tuple[str, bool]] = []
        self._settler: asyncio.Task[None] | None = None

    async def reserve(self, entries: Sequence[WindowEntry]) -> Sequence[Features]:
        loop = asyncio.get_running_loop()
        if loop.time() < self._paused_until:
            _unavailable.labels("paused").inc()
            raise WindowsUnavailableError("redis failed a moment ago")
        arguments: list[Any] = ["reserve", _now_ms()]
        for entry in entries:
            arguments += window_arguments(entry)
        try:
            answers = await self._script(keys=(READY, PENDING), args=arguments)
        except (RedisError, OSError, TimeoutError) as error:
            self._paused_until = loop.time() + PAUSE_SECONDS
            _unavailable.labels("failed").inc()
            raise WindowsUnavailableError(f"redis cannot be used: {type(error).__name__}") from error
        if answers == b"cold":
            _unavailable.labels("cold").inc()
            self._on_cold()
            raise WindowsUnavailableError("the windows are being filled")
        return [_features(answer) for answer in answers]

    def settle(self, committed: Sequence[Key], withdrawn: Sequence[Key]) -> None:
        if len(self._settling) > SETTLE_QUEUE:
            # Dropped on purpose: the sweep looks them up in the store.
            return
        self._settling += [(reservation_key(*key), True) for key in committed]
        self._settling += [(reservation_key(*key), False) for key in withdrawn]
        if self._settler is None or self._settler.done():
            self._settler = asyncio.create_task(self._settle())

    async def withdraw(self, keys: Sequence[str]) -> None:
        """Takes reservations out of their windows."""
        await self._script(keys=(READY, PENDING), args=["withdraw", 0, *keys])

    async def _settle(self) -> None:
        while self._settling:
            batch, self._settling = self._settling, []
            try:
                await self._redis.zrem(PENDING, *[key for key, _ in batch])
                withdrawn = [key for key, stays in batch if not stays]
                if withdrawn:
                    await self.withdraw(withdrawn)
            except (RedisError, OSError, TimeoutError) as error:
                _log.warning("%d reservations are settled later: %s", len(batch), type(error).__name__)
                return


def window_arguments(entry: WindowEntry) -> tuple[str | int, ...]:
    """Returns the nine arguments of a transaction for the script."""
    tenant = entry.tenant_id
    time = int((entry.event_time - _EPOCH) / timedelta(milliseconds=1)) if entry.event_time else ""
    return (
        reservation_key(tenant, entry.transaction_id),
        _digest(tenant, entry.transaction_id, ""),
        time,
        entry.amount_minor,
        entry.currency,
        subject(tenant, "u", entry.user_id),
        subject(tenant, "d", entry.device),
        subject(tenant, "i", entry.ip),
        subject(tenant, "m", entry.merchant),
    )


def reservation_key(tenant_id: str, transaction_id: str) -> str:
    return f"r:{tenant_id}:{transaction_id}"


def split_reservation_key(key: str) -> Key:
    _, tenant_id, transaction_id = key.split(":", 2)
    return tenant_id, transaction_id


@lru_cache(maxsize=65_536)
def subject(tenant_id: str, kind: str, value: str) -> str:
    """Returns the key of a subject's windows: a hash, so that Redis holds no address or device in clear."""
    return f"w:{_digest(tenant_id, kind, value)}" if value else ""


def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


def _features(answer: Sequence[int]) -> Features:
    return Features(
        values=answer[3:],
        event_time=_EPOCH + timedelta(milliseconds=answer[2]),
        reserved=answer[0] == 0,
        whole=answer[1] == 0,
    )


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
