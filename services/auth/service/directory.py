"""Manages the directory: tenants with their plans, and their clients."""

from __future__ import annotations

import base64
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from meshkit.context import current
from meshkit.currencies import DIGITS
from meshkit.ids import uuid7
from services.auth import errors
from services.auth.domain.tenants import (
    DEFAULT_CURRENCY,
    DEFAULT_RATE_LIMIT,
    Client,
    NewClient,
    Tenant,
    TenantPlan,
    secret_hash,
    unknown_scopes,
)
from services.auth.ports import ClientDirectory

__all__ = ["DirectoryService"]

_audit = logging.getLogger("audit")
MOST = 1_000
"""Entries of one list."""


class DirectoryService:
    """Keeps those who may ask for tokens. Every change leaves a line in the audit log.

    `scopes` are all that exist; a client for which none are named has those of them in `default_scopes`.
    """

    def __init__(
        self,
        directory: ClientDirectory,
        *,
        scopes: frozenset[str],
        default_scopes: frozenset[str],
        clock: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._scopes = scopes
        self._default_scopes = default_scopes
        self._clock = clock

    async def create_tenant(self, name: str, currency: str, plan: TenantPlan = TenantPlan()) -> Tenant:
        """Returns the tenant of that name, created now unless it existed. Raises VALIDATION_FAILED for no currency."""
        if currency and currency not in DIGITS:
            raise errors.currency_unknown()
        wanted = Tenant(str(uuid7()), name, currency or DEFAULT_CURRENCY, self._now(), plan)
        tenant = await self._directory.create_tenant(wanted)
        if tenant.tenant_id == wanted.tenant_id:
            _note("tenant created", tenant=name, tenant_id=tenant.tenant_id)
        return tenant

    async def set_plan(self, name: str, plan: TenantPlan) -> Tenant:
        """Returns the tenant with its new plan. Raises RESOURCE_NOT_FOUND."""
        tenant = await self._directory.set_plan(name, plan)
        if tenant is None:
            raise errors.tenant_not_found()
        _note("tenant plan changed", tenant=name, tenant_id=tenant.tenant_id, plan=plan.claim())
        return tenant

    async def create_client(self, tenant: str, scopes: Sequence[str], rate_limit: int, display_name: str) -> NewClient:
        """Raises RESOURCE_NOT_FOUND for an unknown tenant, VALIDATION_FAILED for unknown scopes."""
        unknown = unknown_scopes(scopes, self._scopes)
        if unknown:
            raise errors.scopes_unknown(unknown)
        owner = await self._directory.find_tenant(tenant)
        if owner is None:
            raise errors.tenant_not_found()
        secret = secrets.token_urlsafe(32)
        client = Client(
            client_id=f"{tenant}-{_random_name()}",
            tenant_id=owner.tenant_id,
            secret_hash=secret_hash(secret),
            scopes=frozenset(scopes) or self._default_scopes,
            rate_limit=rate_limit or DEFAULT_RATE_LIMIT,
            display_name=display_name,
            created_at=self._now(),
        )
        await self._directory.create_client(client)
        _note("client created", tenant=tenant, client_id=client.client_id)
        return NewClient(client, secret)

    async def list_tenants(self, after: str, limit: int) -> list[Tenant]:
        """Returns tenants by name, those after the given one; at most `limit`, 0 for as many as one answer has."""
        return await self._directory.list_tenants(after, limit or MOST)

    async def list_clients(self, tenant: str, after: str, limit: int) -> list[Client]:
        """Returns clients of a tenant by identifier. Raises RESOURCE_NOT_FOUND."""
        owner = await self._directory.find_tenant(tenant)
        if owner is None:
            raise errors.tenant_not_found()
        return await self._directory.list_clients(owner.tenant_id, after, limit or MOST)

    async def rotate_secret(self, client_id: str) -> NewClient:
        """Replaces the secret. Raises RESOURCE_NOT_FOUND."""
        secret = secrets.token_urlsafe(32)
        client = await self._directory.replace_secret(client_id, secret_hash(secret), self._now())
        if client is None:
            raise errors.client_not_found()
        _note("client secret replaced", client_id=client_id)
        return NewClient(client, secret)

    async def set_disabled(self, client_id: str, disabled: bool) -> Client:
        """Lets a client have tokens or none. Raises RESOURCE_NOT_FOUND."""
        client = await self._directory.disable_client(client_id, self._now() if disabled else None)
        if client is None:
            raise errors.client_not_found()
        _note("client disabled" if disabled else "client enabled", client_id=client_id)
        return client

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _note(what: str, **fields: Any) -> None:
    _audit.info(what, extra={"fields": {**fields, "peer": current().peer}})


def _random_name() -> str:
    """Returns 60 random bits in 12 characters of base32."""
    return base64.b32encode(secrets.token_bytes(8)).decode()[:12].lower()
