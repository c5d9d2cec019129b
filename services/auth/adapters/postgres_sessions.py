"""Stores the sessions of browsers in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters import audit_rows, ended_rows
from services.auth.adapters.named_rows import open_row
from services.auth.domain.audit import AuditEvent
from services.auth.domain.endings import AccessEnding
from services.auth.domain.sessions import BrowserSession

__all__ = ["PostgresSessions"]

_SESSION = "session_id, tenant_id, member_id, secret_hash, methods, authenticated_at, used_at, expires_at, ended_at"
_USED_EVERY = "1 minute"
"""How exactly the last use of a session is known: a page may ask for ten things at once."""


class PostgresSessions:
    """Implements `SessionStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def open(self, session: BrowserSession, event: AuditEvent) -> None:
        async with transaction(self._pool, [session.tenant_id]) as connection:
            await connection.execute(
                f"INSERT INTO sessions ({_SESSION}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                session.session_id,
                session.tenant_id,
                session.member_id,
                session.secret_hash,
                sorted(session.methods),
                session.authenticated_at,
                session.used_at,
                session.expires_at,
                session.ended_at,
            )
            await audit_rows.append(connection, event)

    async def renew(self, session: BrowserSession, event: AuditEvent) -> bool:
        async with transaction(self._pool, [session.tenant_id]) as connection:
            done = await connection.execute(
                "UPDATE sessions SET secret_hash = $2, methods = $3, authenticated_at = $4, used_at = $5,"
                " expires_at = $6 WHERE session_id = $1 AND ended_at IS NULL",
                session.session_id,
                session.secret_hash,
                sorted(session.methods),
                session.authenticated_at,
                session.used_at,
                session.expires_at,
            )
            if done == "UPDATE 1":
                await audit_rows.append(connection, event)
            return done == "UPDATE 1"

    async def find(self, secret_hash: bytes) -> BrowserSession | None:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "session_hash", secret_hash)
            row = await connection.fetchrow(f"SELECT {_SESSION} FROM sessions WHERE secret_hash = $1", secret_hash)
            return _session(row) if row else None

    async def use(self, session: BrowserSession, at: datetime) -> None:
        async with transaction(self._pool, [session.tenant_id]) as connection:
            await connection.execute(
                "UPDATE sessions SET used_at = $2"
                f" WHERE session_id = $1 AND ended_at IS NULL AND used_at < $2::timestamptz - interval '{_USED_EVERY}'",
                session.session_id,
                at,
            )

    async def of_member(self, tenant_id: str, member_id: str) -> list[BrowserSession]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(
                f"SELECT {_SESSION} FROM sessions WHERE tenant_id = $1 AND member_id = $2 AND ended_at IS NULL"
                " ORDER BY authenticated_at DESC, session_id LIMIT 200",
                tenant_id,
                member_id,
            )
            return [_session(row) for row in rows]

    async def end(self, tenant_id: str, member_id: str, session_id: str, ending: AccessEnding) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            ended = await ended_rows.end_session(connection, tenant_id, member_id, session_id, ending)
            if ended:
                await audit_rows.append(connection, ending.event)
            return ended

    async def end_all(self, tenant_id: str, member_id: str, ending: AccessEnding) -> None:
        async with transaction(self._pool, [tenant_id]) as connection:
            await ended_rows.end_all_of_member(connection, tenant_id, member_id, ending)
            await audit_rows.append(connection, ending.event)


def _session(row: asyncpg.Record) -> BrowserSession:
    return BrowserSession(
        session_id=str(row["session_id"]),
        tenant_id=str(row["tenant_id"]),
        member_id=str(row["member_id"]),
        secret_hash=row["secret_hash"],
        methods=frozenset(row["methods"]),
        authenticated_at=row["authenticated_at"],
        used_at=row["used_at"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
    )
