"""Ends sessions and grants within the transaction that is the reason for it, with the tokens that came of them."""

from __future__ import annotations

from meshkit.storage.postgres import Connection
from services.auth.adapters import revocation_rows
from services.auth.domain.endings import AccessEnding

__all__ = ["end_all_of_member", "end_grant", "end_session"]


async def end_session(
    connection: Connection, tenant_id: str, member_id: str, session_id: str, ending: AccessEnding
) -> bool:
    """Ends a session of the member, and the grants that do not outlive it. False if there is none that goes on."""
    found = await connection.fetchval(
        "UPDATE sessions SET ended_at = $4"
        " WHERE tenant_id = $1 AND member_id = $2 AND session_id::text = $3 AND ended_at IS NULL RETURNING session_id",
        tenant_id,
        member_id,
        session_id,
        ending.at,
    )
    if found is None:
        return False
    grants = await connection.fetch(
        "UPDATE grants SET ended_at = $3 WHERE tenant_id = $1 AND session_id = $2 AND ended_at IS NULL"
        " RETURNING grant_id",
        tenant_id,
        found,
        ending.at,
    )
    for name in [session_id, *(str(row["grant_id"]) for row in grants)]:
        await revocation_rows.append(connection, ending.of_session(tenant_id, name))
    return True


async def end_grant(connection: Connection, tenant_id: str, grant_id: str, ending: AccessEnding) -> bool:
    """Ends a grant. False if it has ended."""
    done = await connection.execute(
        "UPDATE grants SET ended_at = $3 WHERE tenant_id = $1 AND grant_id = $2 AND ended_at IS NULL",
        tenant_id,
        grant_id,
        ending.at,
    )
    if done != "UPDATE 1":
        return False
    await revocation_rows.append(connection, ending.of_session(tenant_id, grant_id))
    return True


async def end_all_of_member(connection: Connection, tenant_id: str, member_id: str, ending: AccessEnding) -> None:
    """Ends all sessions and grants of a member, with the tokens that came of them; forgets codes under way."""
    for table in ("sessions", "grants"):
        await connection.execute(
            f"UPDATE {table} SET ended_at = $3 WHERE tenant_id = $1 AND member_id = $2 AND ended_at IS NULL",
            tenant_id,
            member_id,
            ending.at,
        )
    await connection.execute(
        "DELETE FROM authorization_codes WHERE tenant_id = $1 AND member_id = $2 AND grant_id IS NULL",
        tenant_id,
        member_id,
    )
    await revocation_rows.append(connection, ending.of_member(tenant_id, member_id))
