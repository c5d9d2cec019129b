"""Stores tenants in PostgreSQL."""

from __future__ import annotations

import json
from datetime import datetime

import asyncpg

from meshkit.storage.postgres import Connection, Pool, transaction
from services.auth.adapters.act_rows import record
from services.auth.adapters.named_rows import open_row, open_tenant
from services.auth.adapters.quota_rows import used
from services.auth.domain.quotas import CountedResource, QuotaUse
from services.auth.domain.tenants import Tenant, TenantPlan
from services.auth.ports import RecordedAct

__all__ = ["PostgresDirectory", "owner_of"]

_PLAN = ("rate_limit", "user_rate_limit", "class_limits", "max_members", "max_clients", "max_api_keys")
_NEW = ", ".join(("tenant_id", "name", "default_currency", "created_at", *_PLAN))
_COLUMNS = f"{_NEW}, suspended_at, erasure_allowed_at"
_SET_PLAN = f"""
UPDATE tenants SET ({", ".join(_PLAN)}) = ($2, $3, $4::jsonb, $5, $6, $7)
WHERE tenant_id = $1 AND ({", ".join(_PLAN)}) IS DISTINCT FROM ($2, $3, $4::jsonb, $5, $6, $7)"""
_SUSPEND = "UPDATE tenants SET suspended_at = $2 WHERE tenant_id = $1 AND suspended_at IS NULL"
_RESUME = """
UPDATE tenants SET suspended_at = NULL, erasure_allowed_at = NULL WHERE tenant_id = $1 AND suspended_at IS NOT NULL"""
_ALLOW_ERASURE = """
UPDATE tenants SET erasure_allowed_at = $2
WHERE tenant_id = $1 AND suspended_at IS NOT NULL AND erasure_allowed_at IS NULL"""


class PostgresDirectory:
    """Implements `Directory`.

    Rows looked up by name are opened by a setting of the transaction; see the migration.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create_tenant(self, tenant: Tenant, act: RecordedAct) -> Tenant:
        async with transaction(self._pool, [tenant.tenant_id]) as connection:
            done = await connection.execute(
                f"INSERT INTO tenants ({_NEW}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
                " ON CONFLICT (name) DO NOTHING",
                tenant.tenant_id,
                tenant.name,
                tenant.default_currency,
                tenant.created_at,
                *_plan_values(tenant.plan),
            )
            if done != "INSERT 0 1":
                return await _tenant_named(connection, tenant.name) or tenant
            await record(connection, act)
            return tenant

    async def find_tenant(self, name: str) -> Tenant | None:
        async with transaction(self._pool, ()) as connection:
            return await _tenant_named(connection, name)

    async def get_tenant(self, tenant_id: str) -> Tenant | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            return await _tenant_opened(connection, tenant_id)

    async def uses(self, tenant: Tenant) -> list[QuotaUse]:
        tenant_id = tenant.tenant_id
        async with transaction(self._pool, [tenant_id]) as connection:
            counts = [await used(connection, tenant_id, each) for each in CountedResource]
        return [
            QuotaUse(each, tenant.plan.quota(each), count) for each, count in zip(CountedResource, counts, strict=True)
        ]

    async def set_plan(self, tenant_id: str, plan: TenantPlan, act: RecordedAct) -> Tenant | None:
        return await self._change(tenant_id, act, _SET_PLAN, *_plan_values(plan))

    async def suspend(self, tenant_id: str, at: datetime, act: RecordedAct) -> Tenant | None:
        return await self._change(tenant_id, act, _SUSPEND, at)

    async def resume(self, tenant_id: str, act: RecordedAct) -> Tenant | None:
        return await self._change(tenant_id, act, _RESUME)

    async def allow_erasure(self, tenant_id: str, at: datetime, act: RecordedAct) -> Tenant | None:
        return await self._change(tenant_id, act, _ALLOW_ERASURE, at)

    async def _change(self, tenant_id: str, act: RecordedAct, statement: str, *values: object) -> Tenant | None:
        """Returns the tenant as it is then; nothing is recorded of what changes nothing."""
        async with transaction(self._pool, [tenant_id]) as connection:
            changed = await connection.fetchrow(f"{statement} RETURNING {_COLUMNS}", tenant_id, *values)
            if changed is None:
                return await _tenant_opened(connection, tenant_id)
            await record(connection, act)
            return _tenant(changed)

    async def list_tenants(self, after: str, limit: int) -> list[Tenant]:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "all_tenants", "on")
            rows = await connection.fetch(
                f'SELECT {_COLUMNS} FROM tenants WHERE name COLLATE "C" > $1 ORDER BY name COLLATE "C" LIMIT $2',
                after,
                limit,
            )
            return [_tenant(row) for row in rows]


async def _tenant_named(connection: Connection, name: str) -> Tenant | None:
    await open_row(connection, "tenant_name", name)
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM tenants WHERE name = $1", name)
    return _tenant(row) if row else None


async def _tenant_opened(connection: Connection, tenant_id: str) -> Tenant | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM tenants WHERE tenant_id = $1", tenant_id)
    return _tenant(row) if row else None


async def owner_of(connection: Connection, row: asyncpg.Record) -> Tenant | None:
    """Returns the tenant of a row that was found by its key, and opens what else it has."""
    await open_tenant(connection, str(row["tenant_id"]))
    return await _tenant_opened(connection, str(row["tenant_id"]))


def _tenant(row: asyncpg.Record) -> Tenant:
    plan = TenantPlan(
        row["rate_limit"],
        row["user_rate_limit"],
        tuple(sorted(json.loads(row["class_limits"]).items())),
        row["max_members"],
        row["max_clients"],
        row["max_api_keys"],
    )
    return Tenant(
        str(row["tenant_id"]),
        row["name"],
        row["default_currency"],
        row["created_at"],
        plan,
        row["suspended_at"],
        row["erasure_allowed_at"],
    )


def _plan_values(plan: TenantPlan) -> tuple[object, ...]:
    """Returns the values of `_PLAN`."""
    rates = plan.rate_limit, plan.user_rate_limit, json.dumps(dict(plan.class_limits))
    return *rates, plan.max_members, plan.max_clients, plan.max_api_keys
