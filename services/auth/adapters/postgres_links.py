"""Stores one-time links in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters import member_rows as rows
from services.auth.adapters.act_rows import record
from services.auth.adapters.link_rows import write_link
from services.auth.adapters.named_rows import open_row, open_tenant
from services.auth.adapters.postgres_passwords import remember_marks, write_password
from services.auth.domain.links import LinkKind, MemberLink
from services.auth.domain.members import Member
from services.auth.ports import RecordedAct

__all__ = ["PostgresLinks"]

# Held, so that whoever changes the member waits, and finds the link.
_STILL = """
SELECT true FROM members
WHERE member_id = $1 AND roles = $2 AND disabled_at IS NULL AND deleted_at IS NULL FOR SHARE"""


class PostgresLinks:
    """Implements `LinkStore`. A link is looked up by its hash, which opens its row alone; see the migration."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put_link(self, link: MemberLink, roles: frozenset[str], act: RecordedAct) -> bool:
        async with transaction(self._pool, [link.tenant_id]) as connection:
            if await connection.fetchval(_STILL, link.member_id, sorted(roles)) is None:
                return False
            await write_link(connection, link)
            await record(connection, act)
            return True

    async def find_link(self, link_hash: bytes, now: datetime) -> tuple[MemberLink, Member] | None:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "link", link_hash)
            found = await connection.fetchrow(
                "SELECT member_id, tenant_id, link_hash, kind, expires_at FROM member_links"
                " WHERE link_hash = $1 AND expires_at > $2",
                link_hash,
                now,
            )
            if found is None:
                return None
            tenant_id, member_id = str(found["tenant_id"]), str(found["member_id"])
            await open_tenant(connection, tenant_id)
            row = await connection.fetchrow(f"SELECT {rows.COLUMNS} FROM members WHERE member_id = $1", member_id)
            if row is None:
                return None
            link = MemberLink(link_hash, tenant_id, member_id, LinkKind(found["kind"]), found["expires_at"])
            return link, rows.member_from_row(row)

    async def use_link(
        self, link: MemberLink, password_hash: str, marks: Collection[bytes], at: datetime, act: RecordedAct
    ) -> bool:
        async with transaction(self._pool, [link.tenant_id]) as connection:
            # Turns are taken at the member, as by all that changes one.
            present = await connection.fetchval(
                "SELECT true FROM members WHERE member_id = $1 AND disabled_at IS NULL AND deleted_at IS NULL"
                " FOR UPDATE",
                link.member_id,
            )
            used = await connection.execute(
                "DELETE FROM member_links WHERE member_id = $1 AND link_hash = $2 AND expires_at > $3 AND $4",
                link.member_id,
                link.link_hash,
                at,
                bool(present),
            )
            if used != "DELETE 1":
                return False
            await connection.execute(
                "UPDATE members SET activated_at = coalesce(activated_at, $2), signed_out_at = $2, updated_at = $2,"
                " revision = revision + 1 WHERE member_id = $1",
                link.member_id,
                at,
            )
            await write_password(connection, link.tenant_id, link.member_id, password_hash, at)
            await remember_marks(connection, link.tenant_id, link.member_id, marks, at)
            await record(connection, act)
            return True
