"""Counts what a tenant has."""

from __future__ import annotations

from meshkit.storage.locks import bounded, under_change
from meshkit.storage.postgres import Connection
from services.auth.domain.quotas import CountedResource, QuotaUse

__all__ = ["use_of", "used"]

# Not `FOR UPDATE`: rows of other tables refer to the tenant, and who writes one is not to wait.
_SAID = {
    each: f"SELECT max_{each.value} FROM tenants WHERE tenant_id = $1 FOR NO KEY UPDATE" for each in CountedResource
}
_USED = {
    CountedResource.MEMBERS: "SELECT count(*) FROM members WHERE tenant_id = $1 AND deleted_at IS NULL",
    CountedResource.CLIENTS: "SELECT count(*) FROM clients WHERE tenant_id = $1",
    CountedResource.API_KEYS: "SELECT count(*) FROM api_keys WHERE tenant_id = $1",
}


async def use_of(connection: Connection, tenant_id: str, resource: CountedResource) -> QuotaUse:
    """Returns how many a tenant has and may have, in the transaction of the connection, which has opened the tenant.

    Whoever else asks the same of the tenant, or changes its plan, waits until the transaction has ended. Raises
    CONFLICT if that takes too long.
    """
    with bounded(under_change(resource.value.replace("_", " "))):
        said = await connection.fetchval(_SAID[resource], tenant_id)
    # A statement of its own, which sees what those have written that held the lock before.
    return QuotaUse(resource, said or 0, await used(connection, tenant_id, resource))


async def used(connection: Connection, tenant_id: str, resource: CountedResource) -> int:
    """Returns how many a tenant has, which the transaction of the connection has opened."""
    return int(await connection.fetchval(_USED[resource], tenant_id))
