"""Users and their risk profiles in PostgreSQL: one row a user."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from meshkit.postgres import Pool, transaction
from services.user.domain.users import (
    DEFAULT_BASE_RISK,
    DEFAULT_TIER,
    ProfileChange,
    RiskProfile,
    User,
    UserChange,
)
from services.user.ports import Key

__all__ = ["PostgresProfiles", "PostgresUsers"]

_CREATE = """
INSERT INTO users (tenant_id, user_id, display_name, email, phone, country, base_risk, tier, chargeback_count,
    created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10)
ON CONFLICT (tenant_id, user_id) DO NOTHING
RETURNING user_id"""

_GET = """
SELECT user_id, display_name, email, phone, country, created_at, updated_at
FROM users WHERE tenant_id = $1 AND user_id = $2"""

_LIST = """
SELECT user_id, display_name, email, phone, country, created_at, updated_at
FROM users WHERE tenant_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3"""

_UPDATE = """
UPDATE users SET display_name = coalesce($3, display_name), email = coalesce($4, email), phone = coalesce($5, phone),
    country = coalesce($6, country), updated_at = $7
WHERE tenant_id = $1 AND user_id = $2
RETURNING user_id, display_name, email, phone, country, created_at, updated_at"""

# The join matches the tenant of each item: the transaction sees the rows of every tenant in the batch.
_FIND_PROFILES = """
SELECT tenant_id, user_id, base_risk, tier, chargeback_count, country, created_at
FROM unnest($1::uuid[], $2::text[]) AS asked (tenant_id, user_id) JOIN users USING (tenant_id, user_id)"""

_UPDATE_PROFILE = """
UPDATE users SET base_risk = coalesce($3, base_risk), tier = coalesce($4, tier),
    chargeback_count = coalesce($5, chargeback_count), updated_at = $6
WHERE tenant_id = $1 AND user_id = $2
RETURNING tenant_id, user_id, base_risk, tier, chargeback_count, country, created_at"""


class PostgresUsers:
    """Implements `Users`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, tenant_id: str, user: User) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            created = await connection.fetchval(
                _CREATE,
                tenant_id,
                user.user_id,
                user.display_name,
                user.email,
                user.phone,
                user.country,
                DEFAULT_BASE_RISK,
                DEFAULT_TIER,
                user.created_at,
                user.updated_at,
            )
        return created is not None

    async def get(self, tenant_id: str, user_id: str) -> User | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_GET, tenant_id, user_id)
        return _user(row) if row else None

    async def update(self, tenant_id: str, user_id: str, change: UserChange, now: datetime) -> User | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(
                _UPDATE, tenant_id, user_id, change.display_name, change.email, change.phone, change.country, now
            )
        return _user(row) if row else None

    async def page(self, tenant_id: str, after: str, limit: int) -> list[User]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(_LIST, tenant_id, after, limit)
        return [_user(row) for row in rows]


class PostgresProfiles:
    """Implements `Profiles`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find(self, keys: Sequence[Key]) -> Mapping[Key, RiskProfile]:
        tenants = [tenant for tenant, _ in keys]
        async with transaction(self._pool, tenants) as connection:
            rows = await connection.fetch(_FIND_PROFILES, tenants, [user for _, user in keys])
        return {(str(row["tenant_id"]), row["user_id"]): _profile(row) for row in rows}

    async def update(self, tenant_id: str, user_id: str, change: ProfileChange, now: datetime) -> RiskProfile | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(
                _UPDATE_PROFILE, tenant_id, user_id, change.base_risk, change.tier, change.chargeback_count, now
            )
        return _profile(row) if row else None


def _user(row: asyncpg.Record) -> User:
    return User(
        user_id=row["user_id"],
        display_name=row["display_name"],
        email=row["email"],
        phone=row["phone"],
        country=row["country"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _profile(row: asyncpg.Record) -> RiskProfile:
    return RiskProfile(
        user_id=row["user_id"],
        known=True,
        base_risk=row["base_risk"],
        tier=row["tier"],
        chargeback_count=row["chargeback_count"],
        country=row["country"],
        created_at=row["created_at"],
    )
