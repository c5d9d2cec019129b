"""Reads and writes rows of members."""

from __future__ import annotations

import asyncpg

from meshkit.storage.locks import hold_lock, under_change
from meshkit.storage.postgres import Connection
from services.auth.domain.members import Member, email_key

__all__ = ["COLUMNS", "erase_own", "insert_member", "member_from_row", "take_turns", "update_member"]

COLUMNS = (
    "member_id, tenant_id, email, display_name, roles, created_at, updated_at, revision, activated_at, disabled_at,"
    " deleted_at, signed_in_at, signed_out_at"
)
_OWN = (
    "passwords",
    "member_links",
    "member_marks",
    "member_totp",
    "recovery_codes",
    "passkeys",
    "provider_links",
    "consents",
)


async def take_turns(connection: Connection, tenant_id: str) -> None:
    """Waits until no other transaction changes the members of the tenant, to the end of this one. Raises CONFLICT."""
    await hold_lock(connection, "members of", tenant_id, under_change("members"))


def member_from_row(row: asyncpg.Record) -> Member:
    return Member(
        member_id=str(row["member_id"]),
        tenant_id=str(row["tenant_id"]),
        email=row["email"],
        display_name=row["display_name"],
        roles=frozenset(row["roles"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        revision=row["revision"],
        activated_at=row["activated_at"],
        disabled_at=row["disabled_at"],
        deleted_at=row["deleted_at"],
        signed_in_at=row["signed_in_at"],
        signed_out_at=row["signed_out_at"],
    )


async def insert_member(connection: Connection, member: Member) -> bool:
    """Returns False if the tenant has a member with the address."""
    done = await connection.execute(
        "INSERT INTO members (member_id, tenant_id, email, email_key, display_name, roles, created_at, updated_at,"
        " revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant_id, email_key) DO NOTHING",
        member.member_id,
        member.tenant_id,
        member.email,
        email_key(member.email),
        member.display_name,
        sorted(member.roles),
        member.created_at,
        member.updated_at,
        member.revision,
    )
    return done == "INSERT 0 1"


async def update_member(connection: Connection, member: Member) -> None:
    """Writes all that can change of a member."""
    await connection.execute(
        "UPDATE members SET email = $2, email_key = $3, display_name = $4, roles = $5, updated_at = $6, revision = $7,"
        " activated_at = $8, disabled_at = $9, deleted_at = $10, signed_in_at = $11, signed_out_at = $12"
        " WHERE member_id = $1",
        member.member_id,
        member.email,
        email_key(member.email) if member.deleted_at is None else None,
        member.display_name,
        sorted(member.roles),
        member.updated_at,
        member.revision,
        member.activated_at,
        member.disabled_at,
        member.deleted_at,
        member.signed_in_at,
        member.signed_out_at,
    )


async def erase_own(connection: Connection, member_id: str) -> None:
    """Deletes all with which a member could prove who he is, and what he has consented to."""
    for table in _OWN:
        await connection.execute(f"DELETE FROM {table} WHERE member_id = $1", member_id)
