"""Where the clients of tenants are kept."""

from __future__ import annotations

from typing import Protocol

from meshkit import named_requests
from meshkit.named_requests import Claims
from services.auth.domain.clients import Client
from services.auth.domain.quotas import QuotaUse
from services.auth.domain.tenants import Tenant
from services.auth.ports.acts import RecordedAct

__all__ = ["ClientChanges", "ClientStore", "FindClient"]


class FindClient(Protocol):
    """Looks clients up before anybody is known to be one."""

    async def __call__(self, client_id: str) -> tuple[Client, Tenant] | None:
        """Returns a client of any tenant with its tenant, None if there is none of that identifier."""
        ...


class ClientChanges(Claims, Protocol):
    """One transaction on the clients of one tenant. What is done comes with what is recorded of it."""

    async def use(self) -> QuotaUse:
        """Returns how many clients the tenant has and may have. Who else makes one waits for this transaction."""
        ...

    async def create(self, client: Client, act: RecordedAct) -> None: ...

    async def lock(self, client_id: str) -> Client | None:
        """Returns a client that nobody else changes until this transaction ends, None if the tenant has none such."""
        ...

    async def replace(self, client: Client, act: RecordedAct) -> None:
        """Stores the new state of a client that is locked."""
        ...

    async def delete(self, client_id: str, act: RecordedAct) -> None: ...


class ClientStore(named_requests.Writer[ClientChanges], Protocol):
    """The clients of each tenant."""

    async def get(self, tenant_id: str, client_id: str) -> Client | None: ...

    async def page(self, tenant_id: str, after: str, limit: int) -> list[Client]:
        """Returns clients in the order of their identifiers, those after the given one."""
        ...

    async def find(self, client_id: str) -> tuple[Client, Tenant] | None:
        """Returns a client of any tenant, with its tenant."""
        ...
