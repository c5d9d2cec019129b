"""Where it is kept which assertions were used."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

__all__ = ["UsedAssertions"]


class UsedAssertions(Protocol):
    """Assertions of clients that nobody may use again."""

    async def use(self, tenant_id: str, client_id: str, jti: str, expires_at: datetime) -> bool:
        """Takes an assertion; False if it was taken before. It is known until it has expired."""
        ...

    async def delete_expired(self) -> int:
        """Forgets some assertions that have expired, and returns how many."""
        ...
