"""Stores tenants and clients in PostgreSQL."""

from __future__ import annotations

import json
from datetime import datetime

import asyncpg

from meshkit.storage.postgres import Connection, Pool, transaction
from services.auth.domain.tenants import Client, Tenant, TenantPlan

__all__ = ["PostgresDirectory"]

_CLIENT = "client_id, tenant_id, secret_hash, scopes, rate_limit, display_name, created_at, rotated_at, disabled_at"
_TENANT = "tenant_id, name, default_currency, created_at, rate_limit, user_rate_limit, class_limits"


class PostgresDirectory:
    """Implements `ClientDirectory`.

    Rows looked up by name are opened by a setting of the transaction; see the migration.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create_tenant(self, tenant: Tenant) -> Tenant:
        async with transaction(self._pool, [tenant.tenant_id]) as connection:
            await connection.execute(
                f"INSERT INTO tenants ({_TENANT}) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING",
                tenant.tenant_id,
                tenant.name,
                tenant.default_currency,
                tenant.created_at,
                *_plan_values(tenant.plan),
            )
            return await _tenant_named(connection, tenant.name) or tenant

    async def find_tenant(self, name: str) -> Tenant | None:
        async with transaction(self._pool, ()) as connection:
            return await _tenant_named(connection, name)

    async def get_tenant(self, tenant_id: str) -> Tenant | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(f"SELECT {_TENANT} FROM tenants WHERE tenant_id = $1", tenant_id)
            return _tenant(row) if row else None

    async def set_plan(self, name: str, plan: TenantPlan) -> Tenant | None:
        async with transaction(self._pool, ()) as connection:
            tenant = await _tenant_named(connection, name)
            if tenant is None:
                return None
            await connection.execute("SELECT set_config('rampart.tenants', $1, true)", tenant.tenant_id)
            row = await connection.fetchrow(
                "UPDATE tenants SET rate_limit = $2, user_rate_limit = $3, class_limits = $4 WHERE tenant_id = $1"
                f" RETURNING {_TENANT}",
                tenant.tenant_id,
                *_plan_values(plan),
            )
            return _tenant(row) if row else None

    async def list_tenants(self, after: str, limit: int) -> list[Tenant]:
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.all_tenants', 'on', true)")
            rows = await connection.fetch(
                f'SELECT {_TENANT} FROM tenants WHERE name COLLATE "C" > $1 ORDER BY name COLLATE "C" LIMIT $2',
                after,
                limit,
            )
            return [_tenant(row) for row in rows]

    async def create_client(self, client: Client) -> None:
        async with transaction(self._pool, [client.tenant_id]) as connection:
            await connection.execute(
                "INSERT INTO clients (client_id, tenant_id, secret_hash, scopes, rate_limit, display_name, created_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                client.client_id,
                client.tenant_id,
                client.secret_hash,
                sorted(client.scopes),
                client.rate_limit,
                client.display_name,
                client.created_at,
            )

    async def list_clients(self, tenant_id: str, after: str, limit: int) -> list[Client]:
        async with transaction(self._pool, [tenant_id]) as connection:
            rows = await connection.fetch(
                f'SELECT {_CLIENT} FROM clients WHERE tenant_id = $1 AND client_id COLLATE "C" > $2'
                ' ORDER BY client_id COLLATE "C" LIMIT $3',
                tenant_id,
                after,
                limit,
            )
            return [_client(row) for row in rows]

    async def replace_secret(self, client_id: str, secret_hash: bytes, at: datetime) -> Client | None:
        return await self._change(client_id, "secret_hash = $2, rotated_at = $3", secret_hash, at)

    async def disable_client(self, client_id: str, at: datetime | None) -> Client | None:
        kept = "disabled_at = CASE WHEN $2::timestamptz IS NULL THEN NULL ELSE coalesce(disabled_at, $2) END"
        return await self._change(client_id, kept, at)

    async def _change(self, client_id: str, what: str, *values: object) -> Client | None:
        async with transaction(self._pool, ()) as connection:
            client = await _client_named(connection, client_id)
            if client is None:
                return None
            await connection.execute("SELECT set_config('rampart.tenants', $1, true)", client.tenant_id)
            row = await connection.fetchrow(
                f"UPDATE clients SET {what} WHERE client_id = $1 RETURNING {_CLIENT}", client_id, *values
            )
            return _client(row) if row else None

    async def find_client(self, client_id: str) -> tuple[Client, Tenant] | None:
        async with transaction(self._pool, ()) as connection:
            client = await _client_named(connection, client_id)
            if client is None:
                return None
            await connection.execute("SELECT set_config('rampart.tenants', $1, true)", client.tenant_id)
            owner = await connection.fetchrow(f"SELECT {_TENANT} FROM tenants WHERE tenant_id = $1", client.tenant_id)
            return (client, _tenant(owner)) if owner else None


async def _tenant_named(connection: Connection, name: str) -> Tenant | None:
    await connection.execute("SELECT set_config('rampart.tenant_name', $1, true)", name)
    row = await connection.fetchrow(f"SELECT {_TENANT} FROM tenants WHERE name = $1", name)
    return _tenant(row) if row else None


async def _client_named(connection: Connection, client_id: str) -> Client | None:
    await connection.execute("SELECT set_config('rampart.client_id', $1, true)", client_id)
    row = await connection.fetchrow(f"SELECT {_CLIENT} FROM clients WHERE client_id = $1", client_id)
    return _client(row) if row else None


def _tenant(row: asyncpg.Record) -> Tenant:
    plan = TenantPlan(row["rate_limit"], row["user_rate_limit"], tuple(sorted(json.loads(row["class_limits"]).items())))
    return Tenant(str(row["tenant_id"]), row["name"], row["default_currency"], row["created_at"], plan)


def _plan_values(plan: TenantPlan) -> tuple[int, int, str]:
    return plan.rate_limit, plan.user_rate_limit, json.dumps(dict(plan.class_limits))


def _client(row: asyncpg.Record) -> Client:
    return Client(
        client_id=row["client_id"],
        tenant_id=str(row["tenant_id"]),
        secret_hash=row["secret_hash"],
        scopes=frozenset(row["scopes"]),
        rate_limit=row["rate_limit"],
        display_name=row["display_name"],
        created_at=row["created_at"],
        rotated_at=row["rotated_at"],
        disabled_at=row["disabled_at"],
    )
