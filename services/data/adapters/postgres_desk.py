"""Tells operators of the ledger and takes their wish for a rebuild, which the leader then finds."""

from __future__ import annotations

from meshkit.following.postgres import SOURCE
from meshkit.storage.postgres import Pool, connected
from meshkit.telemetry.admin import NotReadyError
from services.data.domain.ledger import LedgerState

__all__ = ["PostgresDesk"]

_STATE = """
SELECT p.lost, r.source IS NOT NULL AS rebuilding, coalesce(r.decisions, 0) AS decisions
FROM positions AS p LEFT JOIN rebuilds AS r USING (source) WHERE p.source = $1"""


class PostgresDesk:
    """Implements `LedgerDesk`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def state(self) -> LedgerState:
        async with connected(self._pool) as connection:
            row = await connection.fetchrow(_STATE, SOURCE)
        assert row is not None, "the migration makes the row"
        return LedgerState(row["lost"], row["rebuilding"], row["decisions"])

    async def check(self) -> None:
        """Raises NotReadyError while the ledger has lost its place or is being rebuilt."""
        state = await self.state()
        if state.rebuilding:
            raise NotReadyError(f"is being rebuilt: {state.decisions} decisions were read")
        if state.lost:
            raise NotReadyError(f"has stopped and needs `rampart ledger rebuild`: {state.lost}")

    async def ask_rebuild(self) -> None:
        async with connected(self._pool) as connection:
            await connection.execute("INSERT INTO rebuilds (source) VALUES ($1) ON CONFLICT DO NOTHING", SOURCE)
