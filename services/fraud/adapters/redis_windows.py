"""Keeps the sliding windows in Redis: one script call reserves and reads a whole batch (see reserve.lua)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from meshkit.halving import halving
from services.fraud.domain.check import Features, Key, WindowEntry
from services.fraud.domain.features import NAMES
from services.fraud.ports import WindowsUnavailableError

__all__ = ["PENDING", "READY", "RedisWindows", "reservation_key", "split_reservation_key"]

_log = logging.getLogger(__name__)
_unavailable = Counter(
    "windows_unavailable", "Batches, or single transactions of a broken subject, without their windows.", ["reason"]
)

SCRIPT = Path(__file__).with_name("reserve.lua").read_text()
READY = "windows:ready"
PENDING = "windows:pending"
# After a failure the windows are left alone for this long, so that a hanging Redis costs one timeout a second.
PAUSE_SECONDS = 1.0
SETTLE_QUEUE = 10_000
STALE, LARGE = 1, 2
# What a server says that takes no writes now, by way of a script as well.
_SERVER_ERRORS = ("MISCONF", "NOREPLICAS", "BUSY")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _SubjectError(Exception):
    """The script stopped at what is stored of some subject, not at what the server can do now."""


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
        try:
            found = await halving(entries, self._reserve, splits=(_SubjectError,), alone=_unreadable)
        except (RedisError, OSError, TimeoutError) as error:
            self._paused_until = loop.time() + PAUSE_SECONDS
            _unavailable.labels("failed").inc()
            raise WindowsUnavailableError(f"redis cannot be used: {type(error).__name__}") from error
        return found

    async def load(self, entries: Sequence[WindowEntry]) -> int:
        """Adds committed transactions, complete windows or not. Returns how many were not there; raises RedisError."""
        answers = await halving(entries, self._load, splits=(_SubjectError,), alone=_not_loaded)
        return sum(1 for answer in answers if answer and answer[0] == 0)

    async def _reserve(self, entries: Sequence[WindowEntry]) -> Sequence[Features]:
        answers = await self._run("reserve", _transactions(entries))
        if answers == b"cold":
            _unavailable.labels("cold").inc()
            self._on_cold()
            raise WindowsUnavailableError("the windows are being filled")
        return [_features(answer) for answer in answers]

    async def _load(self, entries: Sequence[WindowEntry]) -> Sequence[Sequence[int] | None]:
        found: Sequence[Sequence[int] | None] = await self._run("load", _transactions(entries))
        return found

    async def _run(self, mode: str, arguments: Sequence[str]) -> Any:
        try:
            return await self._script(keys=(READY, PENDING), args=[mode, *arguments])
        except ResponseError as error:
            if _is_of_a_subject(error):
                raise _SubjectError from error
            raise

    def settle(self, committed: Sequence[Key], withdrawn: Sequence[Key]) -> None:
        if len(self._settling) > SETTLE_QUEUE:
            # Dropped on purpose: the sweep looks them up in the store.
            return
        self._settling += [(reservation_key(*key), True) for key in committed]
        self._settling += [(reservation_key(*key), False) for key in withdrawn]
        if self._settler is None or self._settler.done():
            # For many calls, so in the context of none.
            self._settler = asyncio.create_task(self._settle(), context=Context())

    async def withdraw(self, keys: Sequence[str]) -> None:
        """Takes reservations out of their windows."""

        async def work(part: Sequence[str]) -> Sequence[None]:
            await self._run("withdraw", part)
            return [None] * len(part)

        await halving(keys, work, splits=(_SubjectError,), alone=_log_broken)

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


def _transactions(entries: Sequence[WindowEntry]) -> Sequence[str]:
    return [_transaction(entry) for entry in entries]


def _transaction(entry: WindowEntry) -> str:
    """Writes a transaction for the script. As one argument: the client takes its time over each."""
    tenant = entry.tenant_id
    time = int((entry.event_time - _EPOCH) / timedelta(milliseconds=1)) if entry.event_time else ""
    return (
        f"{_digest(tenant, entry.transaction_id, '')} {time} {entry.amount_minor} {entry.currency}"
        f" {subject(tenant, 'u', entry.user_id)} {subject(tenant, 'd', entry.device)}"
        f" {subject(tenant, 'i', entry.ip)} {subject(tenant, 'm', entry.merchant)}"
        f" {reservation_key(tenant, entry.transaction_id)}"
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


def _features(answer: Sequence[Any]) -> Features:
    flags = answer[1]
    return Features(
        values=answer[3:-1] if flags < LARGE else [int(value) for value in answer[3:-1]],
        event_time=_EPOCH + timedelta(milliseconds=answer[2]),
        reserved=answer[0] == 0,
        whole=not flags & STALE,
        elsewhere=_sums(answer[-1].decode()) if answer[-1] else {},
    )


def _sums(text: str) -> Mapping[str, int]:
    """Reads "JPY=7,KWD=9,"."""
    pairs = [entry.split("=") for entry in text.rstrip(",").split(",")]
    return {currency: int(amount) for currency, amount in pairs}


def _log_broken(_: object, error: Exception) -> None:
    _unavailable.labels("subject").inc()
    _log.error("a subject's windows cannot be used: %s", error.__cause__)


def _not_loaded(entry: WindowEntry, error: Exception) -> Sequence[int] | None:
    _log_broken(entry, error)
    return None


def _unreadable(entry: WindowEntry, error: Exception) -> Features:
    """Returns no values: they come from the store, and neighbours have theirs."""
    _log_broken(entry, error)
    return Features([0] * len(NAMES), entry.event_time or datetime.now(UTC), whole=False)


def _is_of_a_subject(error: ResponseError) -> bool:
    """Tells an error of the data from a server that refuses scripts, which has a class of its own."""
    words = str(error)
    return type(error) is ResponseError and "user_script" in words and not words.startswith(_SERVER_ERRORS)
