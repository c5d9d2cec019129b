"""Keeps in memory which assertions of clients were used."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

__all__ = ["MemoryAssertions"]


class MemoryAssertions:
    """Implements `UsedAssertions` for one process."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._used: dict[tuple[str, str, str], datetime] = {}

    async def use(self, tenant_id: str, client_id: str, jti: str, expires_at: datetime) -> bool:
        name = (tenant_id, client_id, jti)
        if name in self._used:
            return False
        self._used[name] = expires_at
        return True

    async def delete_expired(self) -> int:
        now = self._clock()
        expired = [name for name, expires_at in self._used.items() if expires_at < now]
        for name in expired:
            del self._used[name]
        return len(expired)
