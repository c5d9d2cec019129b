"""Stores the clients of tenants in PostgreSQL."""

from __future__ import annotations

import json
from contextlib import AbstractAsyncContextManager

import asyncpg

from meshkit.storage.postgres import Pool, transaction
from services.auth.adapters.named_rows import open_row
from services.auth.adapters.postgres_directory import owner_of
from services.auth.adapters.quota_rows import use_of
from services.auth.adapters.sealed_changes import SealedChanges
from services.auth.domain.clients import AuthenticationMethod, Client, ClientSettings, GrantType, SenderConstraint
from services.auth.domain.quotas import CountedResource, QuotaUse
from services.auth.domain.secrets import StoredSecrets
from services.auth.domain.tenants import Tenant
from services.auth.ports import ClientChanges, RecordedAct, Sealer

__all__ = ["PostgresClients"]

_MUTABLE = (
    "display_name", "scopes", "rate_limit", "grant_types", "redirect_uris", "authentication_method", "keys",
    "sender_constraint", "secret_hash", "previous_secret_hash", "previous_secret_until", "updated_at", "tag",
    "rotated_at", "disabled_at",
)  # fmt: skip
_COLUMNS = ", ".join(("client_id", "tenant_id", "created_at", *_MUTABLE))
_PLACES = ", ".join(f"${place}" for place in range(1, len(_MUTABLE) + 4))
_SET = ", ".join(f"{name} = ${place}" for place, name in enumerate(_MUTABLE, 3))

_CREATE = f"INSERT INTO clients ({_COLUMNS}) VALUES ({_PLACES})"
_REPLACE = f"UPDATE clients SET {_SET} WHERE tenant_id = $1 AND client_id = $2"
_DELETE = "DELETE FROM clients WHERE tenant_id = $1 AND client_id = $2"
_FORGET_CONSENTS = "DELETE FROM consents WHERE tenant_id = $1 AND client_id = $2"
_GET = f"SELECT {_COLUMNS} FROM clients WHERE tenant_id = $1 AND client_id = $2"
_PAGE = f"""
SELECT {_COLUMNS} FROM clients WHERE tenant_id = $1 AND client_id COLLATE "C" > $2
ORDER BY client_id COLLATE "C" LIMIT $3"""
_FIND = f"SELECT {_COLUMNS} FROM clients WHERE client_id = $1"


class PostgresClients:
    """Implements `ClientStore`. Answers to named requests hold secrets, so they are encrypted with `sealer`."""

    def __init__(self, pool: Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer

    def begin(self, tenant_id: str) -> AbstractAsyncContextManager[ClientChanges]:
        return _Changes.begin(self._pool, tenant_id, self._sealer)

    async def get(self, tenant_id: str, client_id: str) -> Client | None:
        async with transaction(self._pool, [tenant_id]) as connection:
            row = await connection.fetchrow(_GET, tenant_id, client_id)
        return _client(row) if row is not None else None

    async def page(self, tenant_id: str, after: str, limit: int) -> list[Client]:
        async with transaction(self._pool, [tenant_id]) as connection:
            return [_client(row) for row in await connection.fetch(_PAGE, tenant_id, after, limit)]

    async def find(self, client_id: str) -> tuple[Client, Tenant] | None:
        async with transaction(self._pool, ()) as connection:
            await open_row(connection, "client_id", client_id)
            row = await connection.fetchrow(_FIND, client_id)
            if row is None:
                return None
            owner = await owner_of(connection, row)
        return (_client(row), owner) if owner is not None else None


class _Changes(SealedChanges):
    """Implements `ClientChanges`."""

    async def use(self) -> QuotaUse:
        return await use_of(self._connection, self._tenant_id, CountedResource.CLIENTS)

    async def create(self, client: Client, act: RecordedAct) -> None:
        await self._connection.execute(_CREATE, client.client_id, client.tenant_id, client.created_at, *_values(client))
        self.acts.append(act)

    async def lock(self, client_id: str) -> Client | None:
        row = await self._connection.fetchrow(f"{_GET} FOR UPDATE", self._tenant_id, client_id)
        return _client(row) if row is not None else None

    async def replace(self, client: Client, act: RecordedAct) -> None:
        await self._connection.execute(_REPLACE, client.tenant_id, client.client_id, *_values(client))
        self.acts.append(act)

    async def delete(self, client_id: str, act: RecordedAct) -> None:
        await self._connection.execute(_DELETE, self._tenant_id, client_id)
        await self._connection.execute(_FORGET_CONSENTS, self._tenant_id, client_id)
        self.acts.append(act)


def _values(client: Client) -> tuple[object, ...]:
    """Returns the values of `_MUTABLE`."""
    settings, secrets = client.settings, client.secrets
    return (
        settings.display_name, sorted(settings.scopes), settings.rate_limit,
        sorted(grant.value for grant in settings.grant_types), list(settings.redirect_uris), settings.method.value,
        json.dumps([dict(key) for key in settings.keys]), settings.constraint.value,
        secrets.current, secrets.previous, secrets.previous_until,
        client.updated_at, client.tag, client.rotated_at, client.disabled_at,
    )  # fmt: skip


def _client(row: asyncpg.Record) -> Client:
    return Client(
        client_id=row["client_id"],
        tenant_id=str(row["tenant_id"]),
        settings=_settings(row),
        secrets=StoredSecrets(row["secret_hash"], row["previous_secret_hash"], row["previous_secret_until"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"] or row["created_at"],
        tag=row["tag"],
        rotated_at=row["rotated_at"],
        disabled_at=row["disabled_at"],
    )


def _settings(row: asyncpg.Record) -> ClientSettings:
    return ClientSettings(
        display_name=row["display_name"],
        scopes=frozenset(row["scopes"]),
        rate_limit=row["rate_limit"],
        grant_types=frozenset(map(GrantType, row["grant_types"])),
        redirect_uris=tuple(row["redirect_uris"]),
        method=AuthenticationMethod(row["authentication_method"]),
        keys=tuple(json.loads(row["keys"])),
        constraint=SenderConstraint(row["sender_constraint"]),
    )
