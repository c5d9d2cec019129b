"""Keeps in PostgreSQL what decisions may be made from the entity logs: their gaps and their generation."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from meshkit.storage.postgres import Pool, connected, transaction
from services.fraud.ports import Gap

__all__ = ["LogFence", "PostgresGaps"]

_OPEN = """
SELECT tenant_id, min(opened) AS opened, clock_timestamp() - max(filled) AS filled, array_agg(id) AS numbers
FROM log_gaps GROUP BY tenant_id, filled IS NULL ORDER BY tenant_id"""
_FILL = "UPDATE log_gaps SET filled = clock_timestamp() WHERE tenant_id = $1 AND id = ANY ($2::bigint[])"
_DECISIONS = "SELECT unnest(decisions) FROM log_gaps WHERE tenant_id = $1 AND id = ANY ($2::bigint[])"
_FENCE = "UPDATE log_generation SET generation = $1 WHERE generation <> $1"
_CLOSE = "DELETE FROM log_gaps WHERE tenant_id = $1 AND id = ANY ($2::bigint[])"


class PostgresGaps:
    """Implements `LogGaps`: read across tenants by the relay's role, changed within one by the service's."""

    def __init__(self, relay: Pool, service: Pool) -> None:
        self._relay = relay
        self._service = service

    async def open(self) -> Sequence[Gap]:
        async with connected(self._relay) as connection:
            rows = await connection.fetch(_OPEN)
        return [Gap(str(row["tenant_id"]), row["opened"], row["filled"], row["numbers"]) for row in rows]

    async def decisions(self, gap: Gap) -> Sequence[UUID]:
        async with transaction(self._service, [gap.tenant_id]) as connection:
            rows = await connection.fetch(_DECISIONS, gap.tenant_id, gap.numbers)
        return [row[0] for row in rows]

    async def fill(self, gap: Gap) -> None:
        await self._change(_FILL, gap)

    async def close(self, gap: Gap) -> None:
        await self._change(_CLOSE, gap)

    async def _change(self, statement: str, gap: Gap) -> None:
        async with transaction(self._service, [gap.tenant_id]) as connection:
            await connection.execute(statement, gap.tenant_id, gap.numbers)


class LogFence:
    """Tells the store which generation of the logs decisions are made with: those of another are not stored."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __call__(self, generation: bytes) -> None:
        """Raises MeshError UNAVAILABLE."""
        async with connected(self._pool) as connection:
            await connection.execute(_FENCE, generation)
