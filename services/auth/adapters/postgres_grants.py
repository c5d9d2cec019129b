"""Stores codes and grants in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg

from meshkit.storage.postgres import Connection, Pool, transaction
from services.auth.adapters import audit_rows, ended_rows, revocation_rows
from services.auth.adapters.named_rows import PATIENCE, open_row, open_tenant
from services.auth.domain.audit import AuditEvent
from services.auth.domain.endings import AccessEnding
from services.auth.domain.grants import AuthorizationCode, Grant
from services.auth.domain.revocations import Revocation
from services.auth.domain.token_binding import TokenBinding
from services.auth.ports.grants import GrantChange, MadeGrant

__all__ = ["PostgresGrants", "PostgresRevocationLog", "insert_grant"]

_CODE = (
    "code_hash, tenant_id, member_id, session_id, client_id, redirect_uri, scopes, code_challenge, nonce, dpop_jkt,"
    " methods, authenticated_at, expires_at"
)
# Held, so that whoever takes the consent back waits, and finds the code.
_CONSENT = "SELECT 1 FROM consents WHERE tenant_id = $1 AND member_id = $2 AND client_id = $3 FOR KEY SHARE"
_GRANT = (
    "grant_id, tenant_id, member_id, client_id, session_id, scopes, methods, authenticated_at, created_at, used_at,"
    " expires_at, seed, generation, rotated_at, jkt, certificate, ended_at"
)


class PostgresGrants:
    """Implements `GrantStore`. A lock on the row of the code or of the grant makes callers take turns."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add_code(self, code: AuthorizationCode, *, by_consent: bool) -> bool:
        async with transaction(self._pool, [code.tenant_id]) as connection:
            whose = code.tenant_id, code.member_id, code.client_id
            if by_consent and await connection.fetchval(_CONSENT, *whose) is None:
                return False
            await connection.execute(
                f"INSERT INTO authorization_codes ({_CODE})"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                code.code_hash,
                code.tenant_id,
                code.member_id,
                code.session_id,
                code.client_id,
                code.redirect_uri,
                sorted(code.scopes),
                code.code_challenge,
                code.nonce,
                code.dpop_jkt,
                sorted(code.methods),
                code.authenticated_at,
                code.expires_at,
            )
            return True

    async def redeem(
        self,
        code_hash: bytes,
        plan: Callable[[AuthorizationCode], MadeGrant],
        reused: Callable[[AuthorizationCode, str], AccessEnding],
    ) -> tuple[AuthorizationCode, Grant] | None:
        async with transaction(self._pool, (), wait=PATIENCE) as connection:
            await open_row(connection, "code_hash", code_hash)
            row = await _locked(connection, "authorization_codes", f"{_CODE}, grant_id", "code_hash", code_hash)
            if row is None:
                return None
            code = _code(row)
            if row["grant_id"] is not None:
                await _end(connection, code.tenant_id, str(row["grant_id"]), reused(code, str(row["grant_id"])))
                return None
            made = plan(code)
            await insert_grant(connection, made.grant)
            await connection.execute(
                "UPDATE authorization_codes SET grant_id = $2 WHERE code_hash = $1", code_hash, made.grant.grant_id
            )
            await audit_rows.append(connection, made.event)
            return code, made.grant

    async def find_grant(self, grant_id: str) -> Grant | None:
        async with transaction(self._pool, (), wait=PATIENCE) as connection:
            await open_row(connection, "grant_id", grant_id)
            row = await connection.fetchrow(f"SELECT {_GRANT} FROM grants WHERE grant_id = $1", grant_id)
            return _grant(row) if row else None

    async def change(self, grant_id: str, plan: Callable[[Grant], GrantChange]) -> Grant | None:
        async with transaction(self._pool, (), wait=PATIENCE) as connection:
            await open_row(connection, "grant_id", grant_id)
            row = await _locked(connection, "grants", _GRANT, "grant_id", grant_id)
            if row is None:
                return None
            before = _grant(row)
            change = plan(before)
            if change.ending is not None:
                await _end(connection, before.tenant_id, grant_id, change.ending)
            elif change.grant != before:
                await _advance(connection, change.grant)
            return change.grant

    async def of_member(self, tenant_id: str, member_id: str) -> list[Grant]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(
                f"SELECT {_GRANT} FROM grants WHERE tenant_id = $1 AND member_id = $2 AND ended_at IS NULL"
                " ORDER BY created_at DESC, grant_id LIMIT 200",
                tenant_id,
                member_id,
            )
            return [_grant(row) for row in rows]


class PostgresRevocationLog:
    """Implements `RevocationLog`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def revoke(self, revocation: Revocation, event: AuditEvent) -> None:
        async with transaction(self._pool, [revocation.tenant_id]) as connection:
            await revocation_rows.append(connection, revocation)
            await audit_rows.append(connection, event)


async def insert_grant(connection: Connection, grant: Grant) -> None:
    """Stores a new grant in the transaction of the connection, which has opened its tenant."""
    await connection.execute(
        f"INSERT INTO grants ({_GRANT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,"
        " $17)",
        grant.grant_id,
        grant.tenant_id,
        grant.member_id,
        grant.client_id,
        grant.session_id or None,
        sorted(grant.scopes),
        sorted(grant.methods),
        grant.authenticated_at,
        grant.created_at,
        grant.used_at,
        grant.expires_at,
        grant.seed,
        grant.generation,
        grant.rotated_at,
        grant.bound.jkt,
        grant.bound.certificate,
        grant.ended_at,
    )


async def _locked(connection: Connection, table: str, columns: str, key: str, value: object) -> asyncpg.Record | None:
    """Locks a row that was opened by its key, and opens the rest of its tenant.

    A lock asks for what an update does, so the tenant is opened between two reads.
    """
    tenant = await connection.fetchval(f"SELECT tenant_id FROM {table} WHERE {key} = $1", value)
    if tenant is None:
        return None
    await open_tenant(connection, str(tenant))
    return await connection.fetchrow(f"SELECT {columns} FROM {table} WHERE {key} = $1 FOR UPDATE", value)


async def _end(connection: Connection, tenant_id: str, grant_id: str, ending: AccessEnding) -> None:
    if await ended_rows.end_grant(connection, tenant_id, grant_id, ending):
        await audit_rows.append(connection, ending.event)


async def _advance(connection: Connection, grant: Grant) -> None:
    await connection.execute(
        "UPDATE grants SET used_at = $2, generation = $3, rotated_at = $4 WHERE grant_id = $1",
        grant.grant_id,
        grant.used_at,
        grant.generation,
        grant.rotated_at,
    )


def _code(row: asyncpg.Record) -> AuthorizationCode:
    return AuthorizationCode(
        code_hash=row["code_hash"],
        tenant_id=str(row["tenant_id"]),
        member_id=str(row["member_id"]),
        session_id=str(row["session_id"]),
        client_id=row["client_id"],
        redirect_uri=row["redirect_uri"],
        scopes=frozenset(row["scopes"]),
        code_challenge=row["code_challenge"],
        nonce=row["nonce"],
        dpop_jkt=row["dpop_jkt"],
        methods=frozenset(row["methods"]),
        authenticated_at=row["authenticated_at"],
        expires_at=row["expires_at"],
    )


def _grant(row: asyncpg.Record) -> Grant:
    return Grant(
        grant_id=str(row["grant_id"]),
        tenant_id=str(row["tenant_id"]),
        member_id=str(row["member_id"]),
        client_id=row["client_id"],
        session_id=str(row["session_id"]) if row["session_id"] is not None else "",
        scopes=frozenset(row["scopes"]),
        methods=frozenset(row["methods"]),
        authenticated_at=row["authenticated_at"],
        created_at=row["created_at"],
        used_at=row["used_at"],
        expires_at=row["expires_at"],
        seed=row["seed"],
        generation=row["generation"],
        rotated_at=row["rotated_at"],
        bound=TokenBinding(row["jkt"], row["certificate"]),
        ended_at=row["ended_at"],
    )
