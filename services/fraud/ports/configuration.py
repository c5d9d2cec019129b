"""Ports of what tenants have declared, as decisions read it.

Whatever else decisions go by is one more member of `Declarations`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from services.fraud.domain.declaring import DeclaredType
from services.fraud.ports.scenarios import DeclaredScenarios

__all__ = ["DeclarationStore", "Declarations"]


@dataclass(frozen=True, slots=True)
class Declarations:
    """What a tenant has declared, all of it at one moment."""

    revision: int = 0
    """Moved by every change; 0 if there was none."""
    event_types: Sequence[DeclaredType] = ()
    scenarios: DeclaredScenarios = field(default_factory=DeclaredScenarios)


class DeclarationStore(Protocol):
    """What tenants have declared. Every method raises MeshError UNAVAILABLE during an outage."""

    async def read(self, tenant_id: str) -> Declarations: ...

    async def revisions(self, tenants: Collection[str]) -> Mapping[str, int]:
        """Returns the revisions of those of the tenants that have declared anything."""
        ...
