"""Reads users and their risk profiles from PostgreSQL: one row for both.

In a row that is not `known` there is only the profile. `postgres_changes` changes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.reads import ReadLimits, Reads
from services.user.adapters.rows import PROFILE_COLUMNS, USER_COLUMNS, profile_of, user_of
from services.user.domain.users import RiskProfile, User
from services.user.ports import Key

__all__ = ["PostgresProfiles", "PostgresUsers"]

_GET = f"SELECT {USER_COLUMNS} FROM users WHERE tenant_id = $1 AND user_id = $2 AND known"
_LIST = f"SELECT {USER_COLUMNS} FROM users WHERE tenant_id = $1 AND user_id > $2 AND known ORDER BY user_id LIMIT $3"

# The join matches the tenant of each item: the transaction sees the rows of every tenant in the batch.
_FIND_PROFILES = f"""
SELECT tenant_id, {PROFILE_COLUMNS}
FROM unnest($1::uuid[], $2::text[]) AS asked (tenant_id, user_id) JOIN users USING (tenant_id, user_id)"""


class PostgresUsers:
    """Implements `Users`."""

    def __init__(self, pool: Pool, limits: ReadLimits = ReadLimits()) -> None:
        self._reads = Reads(pool, limits)

    async def get(self, tenant_id: str, user_id: str) -> User | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_GET, tenant_id, user_id)
        return user_of(row) if row else None

    async def page(self, tenant_id: str, after: str, limit: int) -> list[User]:
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_LIST, tenant_id, after, limit)
        return [user_of(row) for row in rows]


class PostgresProfiles:
    """Implements `Profiles`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, keys: Sequence[Key]) -> Mapping[Key, RiskProfile]:
        tenants = [tenant for tenant, _ in keys]
        async with transaction(self._pool, tenants) as connection:
            rows = await connection.fetch(_FIND_PROFILES, tenants, [user for _, user in keys])
        return {(str(row["tenant_id"]), row["user_id"]): profile_of(row) for row in rows}
