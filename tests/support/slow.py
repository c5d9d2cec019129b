"""Ports that do not answer until they are let: each holds up whoever asks, as a store does that hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from meshkit.context import CallContext
from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.memory import MemoryRates, MemoryRiskProfiles, MemoryStore
from services.fraud.domain.check import Key
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import DatedRate
from services.fraud.ports import Appended, HistoryKey, KeyHistory, LogWrite
from services.fraud.service.logs.completing import PROMPT_EVENTS
from services.fraud.service.tenants.feature_sets import StarterFeatures

__all__ = ["Gate", "SlowHistory", "SlowLogs", "SlowProfiles", "SlowRates", "SlowSets"]


class Gate:
    """Open at first."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self.held = 0
        """How many were ever held up."""

    def close(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    async def passed(self) -> None:
        self.held += not self._open.is_set()
        await self._open.wait()


class SlowHistory(MemoryStore):
    """Holds up reads: of the values named, whose histories are long, or of all."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()
        self.long: set[str] = set()

    async def read(self, keys: Sequence[HistoryKey], most: int, *, apart: bool = False) -> Sequence[KeyHistory]:
        if not self.long or most > PROMPT_EVENTS:
            await self.gate.passed()
        found = await super().read(keys, most, apart=apart)
        return [
            each._replace(whole=each.whole and (most > PROMPT_EVENTS or key.values[0][1] not in self.long))
            for key, each in zip(keys, found, strict=True)
        ]

    async def unlogged(self, tenants: Collection[str]) -> Mapping[str, Collection[UUID]]:
        await self.gate.passed()
        return await super().unlogged(tenants)


class SlowLogs(MemoryLogs):
    """Holds up what is appended, and who asks what came first."""

    def __init__(self) -> None:
        super().__init__(lambda: 1_800_000_000.0)
        self.gate, self.asked = Gate(), Gate()

    async def append(self, transactions: Sequence[Key], writes: Sequence[LogWrite]) -> Appended:
        await self.gate.passed()
        return await super().append(transactions, writes)

    async def arrivals(self, attempts: Mapping[Key, int]) -> Mapping[Key, int]:
        await self.asked.passed()
        return await super().arrivals(attempts)


class SlowProfiles(MemoryRiskProfiles):
    """Waits for as long as it may, and has none then."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    async def read(self, calls: Sequence[tuple[CallContext, str, str]], seconds: float) -> Sequence[Profile | None]:
        try:
            async with asyncio.timeout(seconds):
                await self.gate.passed()
        except TimeoutError:
            return [None] * len(calls)
        return await super().read(calls, seconds)


class SlowRates(MemoryRates):
    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    async def read(self, tenants: Collection[str]) -> Mapping[str, Sequence[DatedRate]]:
        await self.gate.passed()
        return await super().read(tenants)


class SlowSets(StarterFeatures):
    """Holds up who asks which features tenants have."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Gate()

    async def prepare(self, tenants: Collection[str]) -> None:
        await self.gate.passed()
        await super().prepare(tenants)
