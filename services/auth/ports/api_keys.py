"""Where the API keys of tenants are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from meshkit import named_requests
from meshkit.named_requests import Claims
from services.auth.domain.api_keys import ApiKey
from services.auth.domain.quotas import QuotaUse
from services.auth.domain.tenants import Tenant
from services.auth.ports.acts import RecordedAct

__all__ = ["ApiKeyChanges", "ApiKeyStore"]


class ApiKeyChanges(Claims, Protocol):
    """One transaction on the API keys of one tenant. What is done comes with what is recorded of it."""

    async def use(self) -> QuotaUse:
        """Returns how many keys the tenant has and may have. Who else makes one waits for this transaction."""
        ...

    async def create(self, key: ApiKey, act: RecordedAct) -> None: ...

    async def lock(self, key_id: str) -> ApiKey | None:
        """Returns a key that nobody else changes until this transaction ends, None if the tenant has none such."""
        ...

    async def replace(self, key: ApiKey, act: RecordedAct) -> None:
        """Stores the secrets, the prefix and the rotation of a key that is locked; the rest of a key never changes."""
        ...

    async def delete(self, key_id: str, act: RecordedAct) -> None: ...


class ApiKeyStore(named_requests.Writer[ApiKeyChanges], Protocol):
    """The API keys of each tenant."""

    async def get(self, tenant_id: str, key_id: str) -> ApiKey | None: ...

    async def page(self, tenant_id: str, after: str, limit: int) -> list[ApiKey]:
        """Returns keys in the order of their identifiers, those after the given one."""
        ...

    async def shown(self, key_hash: bytes) -> tuple[ApiKey, Tenant] | None:
        """Returns the key of any tenant whose present or former secret has this hash, with its tenant."""
        ...

    async def note_uses(self, uses: Mapping[tuple[str, str], datetime]) -> None:
        """Notes when keys were last used, by tenant and identifier."""
        ...
