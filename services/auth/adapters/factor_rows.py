"""Counts the second factors of a member while nothing else changes them."""

from __future__ import annotations

from meshkit.storage.postgres import Connection

__all__ = ["lasting_factors"]


async def lasting_factors(connection: Connection, member_id: str) -> int:
    """Returns how many factors a member has that are not used up. Until the transaction ends the number is true."""
    await connection.execute("SELECT FROM members WHERE member_id = $1 FOR UPDATE", member_id)
    found = await connection.fetchval(
        "SELECT (SELECT count(*) FROM member_totp WHERE member_id = $1 AND sealed_secret IS NOT NULL)"
        " + (SELECT count(*) FROM passkeys WHERE member_id = $1)",
        member_id,
    )
    return int(found)
