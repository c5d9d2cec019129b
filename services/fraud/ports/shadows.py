"""The port of what versions in the shadow would have answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol
from uuid import UUID

from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scenarios.shadows import ShadowReport

__all__ = ["ShadowKey", "ShadowPart", "ShadowReports"]


class ShadowKey(NamedTuple):
    """A version of a tenant."""

    tenant_id: str
    ref: VersionRef


class ShadowPart(NamedTuple):
    """Names what one process has counted of a version, in one run of counting."""

    key: ShadowKey
    part: UUID


class ShadowReports(Protocol):
    """The reports of versions, in parts. Every method raises MeshError UNAVAILABLE during an outage."""

    async def save(self, parts: Mapping[ShadowPart, ShadowReport]) -> None:
        """Stores parts, each in the place of what was stored of it before."""
        ...

    async def read(self, key: ShadowKey) -> ShadowReport:
        """Returns what all parts of a version add up to."""
        ...

    async def prune(self) -> int:
        """Deletes a slice of the parts, of all tenants, that have not changed for 90 days, and returns how many."""
        ...
