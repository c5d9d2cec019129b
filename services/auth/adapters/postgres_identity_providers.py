"""Stores tenants' own OpenID providers, and links of members to accounts there, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg

from meshkit.storage.postgres import Connection, Pool, transaction
from services.auth.adapters import member_rows
from services.auth.adapters.act_rows import record
from services.auth.adapters.quota_rows import use_of
from services.auth.domain.identity_providers import IdentityProvider, ProviderLink, SecretMethod
from services.auth.domain.members import Member
from services.auth.domain.quotas import CountedResource, QuotaUse
from services.auth.ports import MemberChange, RecordedAct

__all__ = ["PostgresIdentityProviders"]

_COLUMNS = (
    "tenant_id, issuer, client_id, sealed_secret, method, display_name, domains, roles, email_trusted,"
    " second_factor_trusted, required, created_at, updated_at"
)
_PUT = (
    f"INSERT INTO identity_providers ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    " ON CONFLICT (tenant_id) DO UPDATE SET issuer = excluded.issuer, client_id = excluded.client_id,"
    " sealed_secret = excluded.sealed_secret, method = excluded.method, display_name = excluded.display_name,"
    " domains = excluded.domains, roles = excluded.roles, email_trusted = excluded.email_trusted,"
    " second_factor_trusted = excluded.second_factor_trusted, required = excluded.required,"
    " updated_at = excluded.updated_at"
)
_LINKED = (
    f"SELECT {', '.join(f'members.{name.strip()}' for name in member_rows.COLUMNS.split(','))}"
    " FROM provider_links AS link JOIN identity_providers AS provider USING (tenant_id, issuer)"
    " JOIN members USING (member_id) WHERE link.tenant_id = $1 AND issuer = $2 AND subject = $3"
)
_OF_ADDRESS = (
    f"SELECT {member_rows.COLUMNS}, EXISTS (SELECT FROM provider_links AS link"
    " WHERE link.member_id = members.member_id) AS linked FROM members"
    " WHERE tenant_id = $1 AND email_key = $2 FOR UPDATE"
)


class PostgresIdentityProviders:
    """Implements `IdentityProviderStore`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find_provider(self, tenant_id: str) -> IdentityProvider | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            return await _find(connection, tenant_id)

    async def put_provider(self, provider: IdentityProvider, act: RecordedAct) -> None:
        async with transaction(self._pool, [provider.tenant_id]) as connection:
            await member_rows.take_turns(connection, provider.tenant_id)
            before = await _find(connection, provider.tenant_id)
            if before is not None and not provider.same_accounts(before.issuer, before.client_id):
                await _forget_links(connection, provider.tenant_id)
            await connection.execute(_PUT, *_to_row(provider))
            await record(connection, act)

    async def remove_provider(self, tenant_id: str, act: RecordedAct) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            await member_rows.take_turns(connection, tenant_id)
            done = await connection.execute("DELETE FROM identity_providers WHERE tenant_id = $1", tenant_id)
            if done != "DELETE 1":
                return False
            await _forget_links(connection, tenant_id)
            await record(connection, act)
            return True

    async def find_linked(self, tenant_id: str, issuer: str, subject: str) -> Member | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_LINKED, tenant_id, issuer, subject)
            return member_rows.member_from_row(row) if row else None

    async def link_member(
        self,
        provider: IdentityProvider,
        link: ProviderLink,
        email_key: str,
        decide: Callable[[Member | None], MemberChange | None],
        admit: Callable[[QuotaUse], None],
    ) -> Member | None:
        async with transaction(self._pool, [link.tenant_id]) as connection:
            await member_rows.take_turns(connection, link.tenant_id)
            row = await connection.fetchrow(_OF_ADDRESS, link.tenant_id, email_key)
            if await _find(connection, link.tenant_id) != provider or (row is not None and row["linked"]):
                return None
            if await connection.fetchval(f"SELECT EXISTS ({_LINKED})", link.tenant_id, link.issuer, link.subject):
                return None
            change = decide(member_rows.member_from_row(row) if row else None)
            if change is None:
                return None
            if row is None:
                admit(await use_of(connection, link.tenant_id, CountedResource.MEMBERS))
                if not await member_rows.insert_member(connection, change.member):
                    return None
            await _write_linked(connection, change.member, link)
            await record(connection, change.act)
            return change.member

    async def unlink_member(self, tenant_id: str, member_id: str, act: RecordedAct) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            done = await connection.execute(
                "DELETE FROM provider_links WHERE tenant_id = $1 AND member_id = $2", tenant_id, member_id
            )
            if done == "DELETE 1":
                await record(connection, act)
            return done == "DELETE 1"


async def _find(connection: Connection, tenant_id: str) -> IdentityProvider | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM identity_providers WHERE tenant_id = $1", tenant_id)
    return _from_row(row) if row else None


async def _forget_links(connection: Connection, tenant_id: str) -> None:
    await connection.execute("DELETE FROM provider_links WHERE tenant_id = $1", tenant_id)


async def _write_linked(connection: Connection, member: Member, link: ProviderLink) -> None:
    await member_rows.update_member(connection, member)
    await connection.execute("DELETE FROM member_links WHERE member_id = $1 AND kind = 'invitation'", member.member_id)
    await connection.execute(
        "INSERT INTO provider_links (member_id, tenant_id, issuer, subject, created_at) VALUES ($1, $2, $3, $4, $5)",
        member.member_id,
        link.tenant_id,
        link.issuer,
        link.subject,
        link.at,
    )


def _to_row(provider: IdentityProvider) -> tuple[object, ...]:
    return (
        provider.tenant_id,
        provider.issuer,
        provider.client_id,
        provider.sealed_secret,
        provider.method.value,
        provider.display_name,
        sorted(provider.domains),
        sorted(provider.roles),
        provider.email_trusted,
        provider.second_factor_trusted,
        provider.required,
        provider.created_at,
        provider.updated_at,
    )


def _from_row(row: asyncpg.Record) -> IdentityProvider:
    return IdentityProvider(
        tenant_id=str(row["tenant_id"]),
        issuer=row["issuer"],
        client_id=row["client_id"],
        sealed_secret=row["sealed_secret"],
        method=SecretMethod(row["method"]),
        display_name=row["display_name"],
        domains=frozenset(row["domains"]),
        roles=frozenset(row["roles"]),
        email_trusted=row["email_trusted"],
        second_factor_trusted=row["second_factor_trusted"],
        required=row["required"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
