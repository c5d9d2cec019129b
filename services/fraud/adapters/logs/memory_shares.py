"""Keeps in memory what is known of tenants that have more than their share of the logs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.ports import LogMemory, LogSample, LogShare, ShareState

__all__ = ["MemoryLogShares"]


class MemoryLogShares:
    """Implements `LogShares`. What is sampled is what `samples` holds; `used` and `most` are set by who uses it."""

    def __init__(self, logs: MemoryLogs, clock: Callable[[], float]) -> None:
        """`clock` returns Unix seconds."""
        self._logs = logs
        self._clock = clock
        self.used = self.most = self.keys = 0
        self.samples: list[LogSample] = []
        self.sampled = 0
        """How many were asked for."""
        self.drained: Collection[bytes] = ()
        """Of whom logs were told last to go early."""

    async def memory(self) -> LogMemory:
        shares = {tenant.encode(): share for tenant, share in self._logs.shares.items()}
        return LogMemory(self.used, self.most, self.keys, int(self._clock()), shares)

    async def sample(self, count: int, draining: Collection[bytes]) -> Sequence[LogSample]:
        self.sampled += count
        self.drained = draining
        return self.samples

    async def crowd(self, tag: bytes, seconds: int) -> bool:
        self._become(tag, ShareState.CROWDED, seconds)
        return True

    async def ease(self, tag: bytes) -> bool:
        share = self._logs.shares.get(tag.decode())
        if share is None or share.state is not ShareState.CROWDED:
            return False
        self._become(tag, ShareState.EASED, share.seconds)
        return True

    async def open(self, tag: bytes, seconds: int) -> bool:
        share = self._logs.shares.get(tag.decode())
        if share is None or share.state is not ShareState.EASED or self._clock() < share.since + seconds:
            return False
        self._become(tag, ShareState.OPEN, share.seconds)
        return True

    def tenant(self, tag: bytes) -> str | None:
        return tag.decode()

    def _become(self, tag: bytes, state: ShareState, seconds: int) -> None:
        share = self._logs.shares.get(tag.decode())
        if share is not None and share.state is state:
            self._logs.shares[tag.decode()] = share._replace(seconds=seconds)
            return
        self._logs.turn += 1
        self._logs.shares[tag.decode()] = LogShare(state, self._logs.turn, seconds, int(self._clock()))
