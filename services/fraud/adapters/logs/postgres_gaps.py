"""Keeps the gaps of the entity logs in PostgreSQL. They are opened by the commit that makes them."""

from __future__ import annotations

from collections.abc import Sequence

from meshkit.storage.postgres import Pool, connected, transaction
from services.fraud.ports import Gap

__all__ = ["PostgresGaps"]

_OPEN = """
SELECT tenant_id, min(opened) AS opened, max(filled) AS filled, array_agg(id) AS numbers FROM log_gaps
GROUP BY tenant_id, filled IS NULL ORDER BY tenant_id"""
_FILL = "UPDATE log_gaps SET filled = clock_timestamp() WHERE tenant_id = $1 AND id = ANY ($2::bigint[])"
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

    async def fill(self, gap: Gap) -> None:
        await self._change(_FILL, gap)

    async def close(self, gap: Gap) -> None:
        await self._change(_CLOSE, gap)

    async def _change(self, statement: str, gap: Gap) -> None:
        async with transaction(self._service, [gap.tenant_id]) as connection:
            await connection.execute(statement, gap.tenant_id, gap.numbers)
