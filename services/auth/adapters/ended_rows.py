"""Ends sessions and grants within the transaction that is the reason for it, with the tokens that came of them."""

from __future__ import annotations

from meshkit.storage.postgres import Connection
from services.auth.adapters import revocation_rows
from services.auth.domain.endings import AccessEnding

__all__ = ["end_all_of_member", "end_grant", "end_grants_of_client", "end_session"]


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


async def end_grants_of_client(
    connection: Connection, tenant_id: str, member_id: str, client_id: str, ending: AccessEnding
) -> None:
    """Ends all grants that a client has from a member, and forgets what was to become one."""
    await _drop_begun(connection, tenant_id, member_id, client_id)
    ended = await connection.fetch(
        "UPDATE grants SET ended_at = $4"
        " WHERE tenant_id = $1 AND member_id = $2 AND client_id = $3 AND ended_at IS NULL RETURNING grant_id",
        tenant_id,
        member_id,
        client_id,
        ending.at,
    )
    for row in ended:
        await revocation_rows.append(connection, ending.of_session(tenant_id, str(row["grant_id"])))


async def end_all_of_member(connection: Connection, tenant_id: str, member_id: str, ending: AccessEnding) -> None:
    """Ends all sessions and grants of a member, with the tokens that came of them; forgets what was to become one."""
    await _drop_begun(connection, tenant_id, member_id)
    for table in ("sessions", "grants"):
        await connection.execute(
            f"UPDATE {table} SET ended_at = $3 WHERE tenant_id = $1 AND member_id = $2 AND ended_at IS NULL",
            tenant_id,
            member_id,
            ending.at,
        )
    await revocation_rows.append(connection, ending.of_member(tenant_id, member_id))


async def _drop_begun(connection: Connection, tenant_id: str, member_id: str, client_id: str = "") -> None:
    """Deletes codes and devices of a member that have no grant yet, of one client or of all.

    Comes before grants end: whoever redeems one at the moment is waited for, and what he has got is ended with them.
    """
    for table, begun in (("authorization_codes", "grant_id IS NULL"), ("device_authorizations", "state = 'allowed'")):
        await connection.execute(
            f"DELETE FROM {table} WHERE tenant_id = $1 AND member_id = $2 AND $3 IN ('', client_id) AND {begun}",
            tenant_id,
            member_id,
            client_id,
        )
