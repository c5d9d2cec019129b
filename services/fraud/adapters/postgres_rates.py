"""Stores the exchange rates of tenants in PostgreSQL, under row-level security."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from meshkit.storage.locks import hold_lock
from meshkit.storage.postgres import Connection, Pool, transaction
from services.fraud.domain.rates import DatedRate
from services.fraud.ports import Admits

__all__ = ["PostgresRates"]

_READ = "SELECT tenant_id, currency, usd_per_unit, since FROM exchange_rates WHERE tenant_id = ANY ($1::uuid[])"
_CLEAR = "DELETE FROM exchange_rates WHERE tenant_id = $1"
_FILL = """
INSERT INTO exchange_rates (tenant_id, currency, usd_per_unit, since)
SELECT $1, currency, usd_per_unit, since FROM unnest($2::text[], $3::float8[], $4::date[])
    AS t (currency, usd_per_unit, since)"""


class PostgresRates:
    """Implements `RateStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def read(self, tenants: Collection[str]) -> Mapping[str, Sequence[DatedRate]]:
        async with transaction(self._pool, tenants) as connection:
            return await _read(connection, tenants)

    async def replace(self, tenant_id: str, rates: Sequence[DatedRate], admits: Admits | None = None) -> bool:
        columns = [[rate[place] for rate in rates] for place in range(3)]
        async with transaction(self._pool, [tenant_id]) as connection:
            # Of two at once, the later one must not end in a mixture.
            await hold_lock(connection, "exchange rates", tenant_id)
            if admits is not None and not admits((await _read(connection, [tenant_id])).get(tenant_id, ())):
                return False
            await connection.execute(_CLEAR, tenant_id)
            await connection.execute(_FILL, tenant_id, *columns)
        return True


async def _read(connection: Connection, tenants: Collection[str]) -> Mapping[str, Sequence[DatedRate]]:
    found: dict[str, list[DatedRate]] = {}
    for tenant, *rate in await connection.fetch(_READ, list(tenants)):
        found.setdefault(str(tenant), []).append(DatedRate(*rate))
    return found
