"""Changes users and profiles in PostgreSQL, and keeps idempotency records of the requests that asked for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from meshkit.storage.postgres import Connection, Pool, transaction
from services.user import errors
from services.user.adapters.rows import PROFILE_COLUMNS, USER_COLUMNS, profile_of, user_of
from services.user.domain.requests import Answered, NamedRequest
from services.user.domain.users import (
    DEFAULT_BASE_RISK,
    DEFAULT_TIER,
    ProfileChange,
    Revision,
    RiskProfile,
    User,
    UserChange,
)
from services.user.ports import Changes, OtherStateError

__all__ = ["PostgresChanges", "PostgresWriter"]

_CREATE = """
INSERT INTO users (tenant_id, user_id, display_name, email, phone, country, base_risk, tier, chargeback_count,
    created_at, updated_at, tag, profile_tag)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $11)
ON CONFLICT (tenant_id, user_id) DO NOTHING
RETURNING user_id"""

# $3 is the tag of the state that is asked for, null for any.
_OF_USER = "WHERE tenant_id = $1 AND user_id = $2 AND coalesce(tag = $3, true)"
_OF_PROFILE = "WHERE tenant_id = $1 AND user_id = $2 AND coalesce(profile_tag = $3, true)"

_USER = f"SELECT {USER_COLUMNS} FROM users {_OF_USER}"
_PROFILE = f"SELECT {PROFILE_COLUMNS} FROM users {_OF_PROFILE}"
_EXISTS = "SELECT true FROM users WHERE tenant_id = $1 AND user_id = $2"

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

# Waits for a transaction that has inserted the same and has not ended, and goes on if that one fails.
_CLAIM = """
INSERT INTO requests (tenant_id, request_id, method, fingerprint, response) VALUES ($1, $2, $3, $4, '')
ON CONFLICT DO NOTHING
RETURNING request_id"""

_ANSWERED = "SELECT method, fingerprint, response FROM requests WHERE tenant_id = $1 AND request_id = $2"
_ANSWER = "UPDATE requests SET response = $3 WHERE tenant_id = $1 AND request_id = $2"


class PostgresWriter:
    """Implements `Writer`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[Changes]:
        async with transaction(self._pool, [tenant_id]) as connection:
            yield PostgresChanges(connection, tenant_id)


class PostgresChanges:
    """Implements `Changes` on a connection with an open transaction."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

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
        if row is None:
            await self._check_absent(user_id, revision)
            return None
        return user_of(row)

    async def update_profile(self, user_id: str, change: ProfileChange, revision: Revision) -> RiskProfile | None:
        row = await (
            self._connection.fetchrow(_PROFILE, self._tenant_id, user_id, revision.of)
            if change == ProfileChange()
            else self._connection.fetchrow(
                _UPDATE_PROFILE,
                self._tenant_id,
                user_id,
                revision.of,
                revision.at,
                revision.tag,
                change.base_risk,
                change.tier,
                change.chargeback_count,
            )
        )
        if row is None:
            await self._check_absent(user_id, revision)
            return None
        return profile_of(row)

    async def _check_absent(self, user_id: str, revision: Revision) -> None:
        """Raises OtherStateError if it is only the state that does not exist."""
        if revision.of is not None and await self._connection.fetchval(_EXISTS, self._tenant_id, user_id):
            raise OtherStateError

    async def claim(self, request: NamedRequest) -> Answered | None:
        name = (self._tenant_id, request.request_id)
        try:
            claimed = await self._connection.fetchval(_CLAIM, *name, request.method, request.fingerprint)
        except asyncpg.LockNotAvailableError:
            raise errors.request_under_way() from None
        if claimed is not None:
            return None
        row = await self._connection.fetchrow(_ANSWERED, *name)
        if row is None:
            # It was cleaned away between the two statements: the next attempt is the first.
            raise errors.request_under_way()
        return Answered(row["method"], row["fingerprint"], row["response"])

    async def answer(self, request_id: UUID, response: bytes) -> None:
        await self._connection.execute(_ANSWER, self._tenant_id, request_id, response)
