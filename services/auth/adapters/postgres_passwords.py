"""Stores passwords, and where members signed in, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from meshkit.storage.postgres import Connection, Pool, transaction
from services.auth.adapters import member_rows as rows
from services.auth.adapters.act_rows import record
from services.auth.domain.throttling import MOST_MARKS
from services.auth.ports import PasswordAccount, RecordedAct

__all__ = ["PostgresPasswords", "remember_marks", "write_password"]

_ACCOUNT = (
    f"SELECT {rows.COLUMNS}, (SELECT hash FROM passwords WHERE passwords.member_id = members.member_id) AS hash,"
    " ARRAY(SELECT mark FROM member_marks WHERE member_marks.member_id = members.member_id AND mark = ANY ($3::bytea[])"
    " AND seen_at > $4) AS known,"
    " EXISTS (SELECT FROM member_totp AS totp WHERE totp.member_id = members.member_id AND sealed_secret IS NOT NULL)"
    " OR EXISTS (SELECT FROM passkeys WHERE passkeys.member_id = members.member_id) AS has_factor"
    " FROM members WHERE tenant_id = $1 AND email_key = $2"
)


class PostgresPasswords:
    """Implements `PasswordStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find_account(
        self, tenant_id: str, email_key: str, marks: Collection[bytes], since: datetime
    ) -> PasswordAccount | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_ACCOUNT, tenant_id, email_key, list(marks), since)
            if row is None:
                return None
            return PasswordAccount(rows.member_from_row(row), row["hash"], frozenset(row["known"]), row["has_factor"])

    async def find_password(self, tenant_id: str, member_id: str) -> str | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            found: str | None = await connection.fetchval("SELECT hash FROM passwords WHERE member_id = $1", member_id)
            return found

    async def set_password(
        self, tenant_id: str, member_id: str, password_hash: str, at: datetime, act: RecordedAct
    ) -> None:
        async with transaction(self._pool, [tenant_id]) as connection:
            await write_password(connection, tenant_id, member_id, password_hash, at)
            await connection.execute("UPDATE members SET signed_out_at = $2 WHERE member_id = $1", member_id, at)
            await record(connection, act)

    async def replace_hash(self, tenant_id: str, member_id: str, old: str, new: str) -> None:
        async with transaction(self._pool, [tenant_id]) as connection:
            await connection.execute(
                "UPDATE passwords SET hash = $3 WHERE member_id = $1 AND hash = $2", member_id, old, new
            )

    async def known_marks(
        self, tenant_id: str, member_id: str, marks: Collection[bytes], since: datetime
    ) -> frozenset[bytes]:
        async with transaction(self._pool, [tenant_id]) as connection:
            found = await connection.fetch(
                "SELECT mark FROM member_marks WHERE member_id = $1 AND mark = ANY ($2::bytea[]) AND seen_at > $3",
                member_id,
                list(marks),
                since,
            )
            return frozenset(row["mark"] for row in found)

    async def note_sign_in(self, tenant_id: str, member_id: str, marks: Collection[bytes], at: datetime) -> None:
        async with transaction(self._pool, [tenant_id]) as connection:
            await connection.execute("UPDATE members SET signed_in_at = $2 WHERE member_id = $1", member_id, at)
            await remember_marks(connection, tenant_id, member_id, marks, at)


async def write_password(
    connection: Connection, tenant_id: str, member_id: str, password_hash: str, at: datetime
) -> None:
    """Stores a password in place of one before it."""
    await connection.execute(
        "INSERT INTO passwords (member_id, tenant_id, hash, set_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (member_id) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at",
        member_id,
        tenant_id,
        password_hash,
        at,
    )


async def remember_marks(
    connection: Connection, tenant_id: str, member_id: str, marks: Collection[bytes], at: datetime
) -> None:
    """Notes where a member signed in, and forgets what is too much."""
    await connection.execute(
        "INSERT INTO member_marks (member_id, tenant_id, mark, seen_at)"
        " SELECT $1, $2, mark, $4 FROM unnest($3::bytea[]) AS mark ORDER BY mark"
        " ON CONFLICT (member_id, mark) DO UPDATE SET seen_at = excluded.seen_at",
        member_id,
        tenant_id,
        list(marks),
        at,
    )
    await connection.execute(
        "DELETE FROM member_marks WHERE member_id = $1 AND mark IN"
        " (SELECT mark FROM member_marks WHERE member_id = $1 ORDER BY seen_at DESC, mark OFFSET $2)",
        member_id,
        MOST_MARKS,
    )
