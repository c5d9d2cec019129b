"""What the auth service needs from outside: its stores, and the encryption of its signing keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.auth.domain.keys import SigningKey
from services.auth.domain.tenants import Client, Tenant, TenantPlan

__all__ = ["ClientDirectory", "KeyChange", "Sealer", "SigningKeyStore"]


class ClientDirectory(Protocol):
    """Tenants and their clients."""

    async def create_tenant(self, tenant: Tenant) -> Tenant:
        """Stores a tenant unless one has its name; returns the one that is stored."""
        ...

    async def find_tenant(self, name: str) -> Tenant | None: ...

    async def set_plan(self, name: str, plan: TenantPlan) -> Tenant | None:
        """Replaces the plan of a tenant; returns the tenant as it is then, None if there is none of that name."""
        ...

    async def create_client(self, client: Client) -> None: ...

    async def find_client(self, client_id: str) -> tuple[Client, Tenant] | None: ...


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What is to be done with the stored keys."""

    add: Sequence[SigningKey] = field(default=())
    remove: Sequence[SigningKey] = field(default=())


class SigningKeyStore(Protocol):
    """Signing keys, shared by every replica."""

    async def revise(self, plan: Callable[[Sequence[SigningKey]], KeyChange]) -> list[SigningKey]:
        """Applies what `plan` makes of the stored keys and returns the keys after it; one caller at a time."""
        ...


class Sealer(Protocol):
    """Encrypts signing keys at rest."""

    def seal(self, plain: bytes, name: str) -> bytes:
        """Returns the ciphertext; `name` must be given again to open it."""
        ...

    def open(self, sealed: bytes, name: str) -> bytes:
        """Raises SettingsError if the key of this process is not the one that it was sealed with."""
        ...
