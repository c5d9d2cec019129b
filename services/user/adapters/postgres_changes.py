"""Changes users and profiles in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from meshkit.storage.named_requests import PostgresClaims
from meshkit.storage.postgres import Pool, transaction
from services.user.adapters.rows import PROFILE_COLUMNS, USER_COLUMNS, profile_of, user_of
from services.user.domain.users import (
    ABSENT,
    DEFAULT_BASE_RISK,
    DEFAULT_TIER,
    ProfileChange,
    Revision,
    RiskProfile,
    User,
    UserChange,
    unknown_profile,
)
from services.user.ports import Changes, OtherStateError

__all__ = ["PostgresChanges", "PostgresWriter"]

_CREATE = """
INSERT INTO users (tenant_id, user_id, display_name, email, phone, country, base_risk, tier, chargeback_count,
    created_at, updated_at, tag, profile_tag)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $11)
ON CONFLICT (tenant_id, user_id) DO UPDATE SET known = true, display_name = excluded.display_name,
    email = excluded.email, phone = excluded.phone, country = excluded.country, created_at = excluded.created_at,
    updated_at = excluded.updated_at, tag = excluded.tag, profile_tag = excluded.tag
WHERE NOT users.known
RETURNING user_id"""

# $3 is the tag of the state that is asked for, null for any.
_OF_USER = "WHERE tenant_id = $1 AND user_id = $2 AND known AND coalesce(tag = $3, true)"
_OF_PROFILE = "WHERE tenant_id = $1 AND user_id = $2 AND coalesce(profile_tag = $3, true)"

# What is seen here is what the rest of the transaction changes.
_USER = f"SELECT {USER_COLUMNS} FROM users {_OF_USER} FOR UPDATE"
_PROFILE = f"SELECT {PROFILE_COLUMNS} FROM users {_OF_PROFILE} FOR UPDATE"
_STORED = "SELECT known FROM users WHERE tenant_id = $1 AND user_id = $2"
_DELETE = "DELETE FROM users WHERE tenant_id = $1 AND user_id = $2 AND coalesce(tag = $3, true) RETURNING user_id"

# The country is part of the profile as well.
_UPDATE = f"""
UPDATE users SET updated_at = $4, tag = $5, display_name = coalesce($6, display_name), email = coalesce($7, email),
    phone = coalesce($8, phone), country = coalesce($9, country),
    profile_tag = CASE WHEN coalesce($9, country) = country THEN profile_tag ELSE $5 END
{_OF_USER} RETURNING {USER_COLUMNS}"""

_UPDATE_PROFILE = f"""
UPDATE users SET updated_at = $4, tag = $5, profile_tag = $5, base_risk = coalesce($6, base_risk),
    tier = coalesce($7, tier), chargeback_count = coalesce($8, chargeback_count)
{_OF_PROFILE} RETURNING {PROFILE_COLUMNS}"""

# Stores the profile of whom nothing is stored; what is stored, it changes as the statement above does.
_PUT_PROFILE = f"""
INSERT INTO users (tenant_id, user_id, known, base_risk, tier, chargeback_count, created_at, updated_at, tag,
    profile_tag)
VALUES ($1, $2, false, coalesce($6, {DEFAULT_BASE_RISK}), coalesce($7, '{DEFAULT_TIER}'), coalesce($8, 0), $4, $4, $5,
    $5)
ON CONFLICT (tenant_id, user_id) DO UPDATE SET updated_at = $4, tag = $5, profile_tag = $5,
    base_risk = coalesce($6, users.base_risk), tier = coalesce($7, users.tier),
    chargeback_count = coalesce($8, users.chargeback_count)
WHERE coalesce(users.profile_tag = $3, true)
RETURNING {PROFILE_COLUMNS}"""


class PostgresWriter:
    """Implements `Writer`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[Changes]:
        async with transaction(self._pool, [tenant_id]) as connection:
            yield PostgresChanges(connection, tenant_id)


class PostgresChanges(PostgresClaims):
    """Implements `Changes` on a connection with an open transaction."""

    async def create_user(self, user: User) -> bool:
        created = await self._connection.fetchval(
            _CREATE,
            self._tenant_id,
            user.user_id,
            user.display_name,
            user.email,
            user.phone,
            user.country,
            DEFAULT_BASE_RISK,
            DEFAULT_TIER,
            user.created_at,
            user.updated_at,
            user.tag,
        )
        return created is not None

    async def update_user(self, user_id: str, change: UserChange, revision: Revision) -> User | None:
        row = await (
            self._connection.fetchrow(_USER, self._tenant_id, user_id, revision.of)
            if change == UserChange()
            else self._connection.fetchrow(
                _UPDATE,
                self._tenant_id,
                user_id,
                revision.of,
                revision.at,
                revision.tag,
                change.display_name,
                change.email,
                change.phone,
                change.country,
            )
        )
        if row is None and revision.of is not None and await self._stored(user_id):
            raise OtherStateError
        return user_of(row) if row is not None else None

    async def delete_user(self, user_id: str, state: UUID | None) -> bool:
        deleted = await self._connection.fetchval(_DELETE, self._tenant_id, user_id, state)
        if deleted is None and await self._stored(user_id) is not None:
            raise OtherStateError
        return deleted is not None

    async def update_profile(self, user_id: str, change: ProfileChange, revision: Revision) -> RiskProfile:
        if change == ProfileChange():
            return await self._profile(user_id, revision.of)
        row = await self._connection.fetchrow(
            _PUT_PROFILE if revision.of in (None, ABSENT) else _UPDATE_PROFILE,
            self._tenant_id,
            user_id,
            revision.of,
            revision.at,
            revision.tag,
            change.base_risk,
            change.tier,
            change.chargeback_count,
        )
        if row is None:
            raise OtherStateError
        return profile_of(row)

    async def _profile(self, user_id: str, state: UUID | None) -> RiskProfile:
        row = await self._connection.fetchrow(_PROFILE, self._tenant_id, user_id, state)
        if row is not None:
            return profile_of(row)
        if state not in (None, ABSENT) or await self._stored(user_id) is not None:
            raise OtherStateError
        return unknown_profile(user_id)

    async def _stored(self, user_id: str) -> bool | None:
        """Tells whether a user is stored, or its profile alone (False), or nothing (None)."""
        known: bool | None = await self._connection.fetchval(_STORED, self._tenant_id, user_id)
        return known
