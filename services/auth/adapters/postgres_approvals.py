"""Stores approvals in PostgreSQL."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from meshkit.storage.locks import hold_lock
from meshkit.storage.postgres import Connection, Pool, transaction
from services.auth.adapters import audit_rows
from services.auth.domain.approvals import MOST_OPEN, Approval, ApprovalState
from services.auth.domain.audit import AuditEvent
from services.auth.ports import Sealer
from services.auth.ports.approvals import DecideApproval

__all__ = ["PostgresApprovals"]

_COLUMNS = (
    "approval_id, tenant_id, method, digest, sealed_call, requester, requested_at, expires_at, state, decider,"
    " decided_at, scopes"
)
_OF_CALL = "tenant_id = $1 AND requester = $2 AND method = $3 AND digest = $4 AND expires_at > $5"
_OPEN = "SELECT count(*) FROM approvals WHERE tenant_id = $1 AND state IN ('pending', 'approved')"
_POLICY = """
INSERT INTO approval_policies (tenant_id, role_changes) VALUES ($1, $2)
ON CONFLICT (tenant_id) DO UPDATE SET role_changes = excluded.role_changes"""


class PostgresApprovals:
    """Implements `ApprovalStore`. Calls are sealed, since there may be e-mail addresses in them."""

    def __init__(self, pool: Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer

    async def ask(self, asked: Approval, event: AuditEvent) -> Approval | None:
        async with transaction(self._pool, [asked.tenant_id]) as connection:
            await hold_lock(connection, "approvals", asked.tenant_id)
            await connection.execute(
                "DELETE FROM approvals WHERE tenant_id = $1 AND expires_at <= $2", asked.tenant_id, asked.requested_at
            )
            key = (asked.tenant_id, asked.requester, asked.method, asked.digest, asked.requested_at)
            where = f"{_OF_CALL} AND state IN ('pending', 'approved')"
            same = await connection.fetchrow(f"SELECT {_COLUMNS} FROM approvals WHERE {where}", *key)
            if same is not None:
                return self._approval(same)
            if await connection.fetchval(_OPEN, asked.tenant_id) >= MOST_OPEN:
                return None
            await self._insert(connection, asked)
            await audit_rows.append(connection, event)
            return asked

    async def use(
        self, tenant_id: str, requester: str, method: str, digest: bytes, now: datetime, change: DecideApproval
    ) -> Approval | None:
        return await self._change(
            f"{_OF_CALL} AND state = 'approved'", (tenant_id, requester, method, digest, now), change
        )

    async def decide(self, tenant_id: str, approval_id: str, now: datetime, change: DecideApproval) -> Approval | None:
        where = "tenant_id = $1 AND approval_id = $2 AND expires_at > $3"
        return await self._change(where, (tenant_id, approval_id, now), change)

    async def find(self, tenant_id: str, approval_id: str, now: datetime) -> Approval | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM approvals WHERE tenant_id = $1 AND approval_id = $2 AND expires_at > $3",
                tenant_id,
                approval_id,
                now,
            )
            return self._approval(row) if row else None

    async def page(
        self, tenant_id: str, state: ApprovalState | None, before: str, limit: int, now: datetime
    ) -> list[Approval]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM approvals WHERE tenant_id = $1 AND expires_at > $2"
                " AND ($3::text IS NULL OR state = $3) AND ($4::uuid IS NULL OR approval_id < $4)"
                " ORDER BY approval_id DESC LIMIT $5",
                tenant_id,
                now,
                state.value if state else None,
                before or None,
                limit,
            )
            return [self._approval(row) for row in rows]

    async def role_changes_asked(self, tenant_id: str) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            return bool(
                await connection.fetchval("SELECT role_changes FROM approval_policies WHERE tenant_id = $1", tenant_id)
            )

    async def ask_role_changes(self, tenant_id: str, asked: bool, event: AuditEvent) -> None:
        async with transaction(self._pool, [tenant_id]) as connection:
            await connection.execute(_POLICY, tenant_id, asked)
            await audit_rows.append(connection, event)

    async def _change(self, where: str, values: tuple[object, ...], change: DecideApproval) -> Approval | None:
        async with transaction(self._pool, [str(values[0])]) as connection:
            # Who waits for the row looks again at what `where` says of it.
            row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM approvals WHERE {where} FOR UPDATE", *values)
            if row is None:
                return None
            after, event = change(self._approval(row))
            await connection.execute(
                "UPDATE approvals SET sealed_call = $2, state = $3, decider = $4, decided_at = $5, scopes = $6"
                " WHERE approval_id = $1",
                after.approval_id,
                row["sealed_call"] if after.is_open else None,
                after.state.value,
                after.decider,
                after.decided_at,
                sorted(after.scopes),
            )
            await audit_rows.append(connection, event)
            return after

    async def _insert(self, connection: Connection, asked: Approval) -> None:
        await connection.execute(
            f"INSERT INTO approvals ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            asked.approval_id,
            asked.tenant_id,
            asked.method,
            asked.digest,
            self._sealer.seal(asked.call.encode(), asked.approval_id),
            asked.requester,
            asked.requested_at,
            asked.expires_at,
            asked.state.value,
            asked.decider,
            asked.decided_at,
            sorted(asked.scopes),
        )

    def _approval(self, row: asyncpg.Record) -> Approval:
        approval_id, sealed = str(row["approval_id"]), row["sealed_call"]
        return Approval(
            approval_id=approval_id,
            tenant_id=str(row["tenant_id"]),
            method=row["method"],
            call=self._sealer.open(sealed, approval_id).decode() if sealed is not None else "",
            digest=row["digest"],
            requester=row["requester"],
            requested_at=row["requested_at"],
            state=ApprovalState(row["state"]),
            decider=row["decider"],
            decided_at=row["decided_at"],
            scopes=frozenset(row["scopes"]),
        )
