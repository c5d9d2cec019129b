"""Stores members in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters import member_rows as rows
from services.auth.adapters.act_rows import record
from services.auth.adapters.link_rows import write_link
from services.auth.adapters.named_rows import open_row
from services.auth.adapters.quota_rows import use_of
from services.auth.domain.links import MemberLink
from services.auth.domain.members import OWNER, Member, MemberState
from services.auth.domain.quotas import CountedResource, QuotaUse
from services.auth.ports import MemberChange, RecordedAct

__all__ = ["PostgresMembers"]

_STATES = {
    MemberState.INVITED: "AND disabled_at IS NULL AND activated_at IS NULL",
    MemberState.ACTIVE: "AND disabled_at IS NULL AND activated_at IS NOT NULL",
    MemberState.DISABLED: "AND disabled_at IS NOT NULL",
    MemberState.DELETED: "AND false",
    None: "",
}
_OWNERS = (
    "SELECT count(*) FROM members WHERE tenant_id = $1 AND member_id <> $2 AND $3 = ANY (roles)"
    " AND activated_at IS NOT NULL AND disabled_at IS NULL AND deleted_at IS NULL"
)


class PostgresMembers:
    """Implements `MemberStore`. Changes of one tenant take turns by an advisory lock."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create_member(
        self, member: Member, link: MemberLink, act: RecordedAct, admit: Callable[[QuotaUse], None]
    ) -> bool:
        async with transaction(self._pool, [member.tenant_id]) as connection:
            use = await use_of(connection, member.tenant_id, CountedResource.MEMBERS)
            if not await rows.insert_member(connection, member):
                return False
            admit(use)
            await write_link(connection, link)
            await record(connection, act)
            return True

    async def find_member(self, tenant_id: str, member_id: str) -> Member | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(
                f"SELECT {rows.COLUMNS} FROM members WHERE tenant_id = $1 AND member_id = $2 AND deleted_at IS NULL",
                tenant_id,
                member_id,
            )
            return rows.member_from_row(row) if row else None

    async def find_member_of_any_tenant(self, member_id: str) -> Member | None:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "member", member_id)
            row = await connection.fetchrow(
                f"SELECT {rows.COLUMNS} FROM members WHERE member_id = $1 AND deleted_at IS NULL", member_id
            )
            return rows.member_from_row(row) if row else None

    async def list_members(self, tenant_id: str, state: MemberState | None, after: str, limit: int) -> list[Member]:
        async with transaction(self._pool, [tenant_id]) as connection:
            found = await connection.fetch(
                f"SELECT {rows.COLUMNS} FROM members WHERE tenant_id = $1 AND deleted_at IS NULL {_STATES[state]}"
                " AND ($2::uuid IS NULL OR member_id > $2) ORDER BY member_id LIMIT $3",
                tenant_id,
                after or None,
                limit,
            )
            return [rows.member_from_row(row) for row in found]

    async def change_member(
        self, tenant_id: str, member_id: str, decide: Callable[[Member, int], MemberChange | None]
    ) -> Member | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            await rows.take_turns(connection, tenant_id)
            row = await connection.fetchrow(
                f"SELECT {rows.COLUMNS} FROM members WHERE tenant_id = $1 AND member_id = $2 AND deleted_at IS NULL"
                " FOR UPDATE",
                tenant_id,
                member_id,
            )
            if row is None:
                return None
            member = rows.member_from_row(row)
            change = decide(member, await connection.fetchval(_OWNERS, tenant_id, member_id, OWNER))
            if change is None:
                return member
            await rows.update_member(connection, change.member)
            if change.member.deleted_at is not None:
                await rows.erase_own(connection, member_id)
            elif not member.keeps_links(change.member):
                await connection.execute("DELETE FROM member_links WHERE member_id = $1", member_id)
            await record(connection, change.act)
            return change.member

    async def second_factor_required(self, tenant_id: str) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            return bool(
                await connection.fetchval(
                    "SELECT second_factor_required FROM sign_in_policies WHERE tenant_id = $1", tenant_id
                )
            )

    async def require_second_factor(self, tenant_id: str, required: bool, act: RecordedAct) -> None:
        async with transaction(self._pool, [tenant_id]) as connection:
            await connection.execute(
                "INSERT INTO sign_in_policies (tenant_id, second_factor_required) VALUES ($1, $2)"
                " ON CONFLICT (tenant_id) DO UPDATE SET second_factor_required = excluded.second_factor_required",
                tenant_id,
                required,
            )
            await record(connection, act)
