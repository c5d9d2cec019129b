"""Ports of features that tenants declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from meshkit.named_requests import Claims, Writer
from services.fraud.domain.declared.declaration import DeclaredFeatures, DeclaredSet
from services.fraud.domain.declaring import DeclaredType
from services.fraud.domain.scenarios.scenario import ScenarioContent

__all__ = [
    "FeatureChanges",
    "FeatureHead",
    "FeatureHeads",
    "FeatureReads",
    "FeatureWriter",
    "UsingContent",
]


class FeatureReads(Protocol):
    """The features of each tenant, as committed. Every method raises MeshError UNAVAILABLE during an outage."""

    async def declared(self, tenant_id: str) -> DeclaredFeatures: ...

    async def numbered(self, tenant_id: str, number: int) -> DeclaredSet | None:
        """Returns a set of a tenant, whether it is in force or not."""
        ...


class UsingContent(NamedTuple):
    """A scenario that may use features."""

    name: str
    """Such as "scenario cards, version 3"."""
    content: ScenarioContent


class FeatureChanges(Claims, Protocol):
    """One transaction on the features of one tenant."""

    async def declared(self) -> DeclaredFeatures:
        """Returns those of the tenant, and keeps every other change of its configuration waiting.

        Raises MeshError ABORTED if another one takes too long.
        """
        ...

    async def event_types(self) -> Sequence[DeclaredType]: ...

    async def contents(self) -> Sequence[UsingContent]:
        """Returns the drafts of all scenarios, and the versions that decide, look on or would take over."""
        ...

    async def put(self, following: DeclaredSet) -> DeclaredSet:
        """Stores the next set and makes it the current one. The tenant's revision moves with it.

        Returns it as it is stored: a feature whose revision is the set's number has the time of the change.
        """
        ...


FeatureWriter: TypeAlias = Writer[FeatureChanges]


class FeatureHead(NamedTuple):
    """Which sets a tenant's decisions go by, by number. See `DeclaredFeatures`."""

    current: int = 0
    ready: int = 0
    former: int | None = None

    @classmethod
    def of(cls, declared: DeclaredFeatures) -> FeatureHead:
        former = declared.former.number if declared.former is not None else None
        return cls(declared.current.number, declared.ready.number, former)

    def next(self) -> FeatureHead:
        """Returns what follows once every process goes by this head and the logs of `current` are whole."""
        if self.current == self.ready:
            return FeatureHead(self.current, self.ready)
        return FeatureHead(self.current, self.current, self.ready)


class FeatureHeads(Protocol):
    """The heads of all tenants that have declared features. Every method raises MeshError UNAVAILABLE."""

    async def all(self) -> Mapping[str, tuple[FeatureHead, bool]]:
        """Returns the heads by tenant, each with whether every process has gone by it for a while."""
        ...

    async def move(self, tenant_id: str, before: FeatureHead, after: FeatureHead) -> bool:
        """Puts a head in the place of one, and moves the tenant's revision; False if it is another one by now."""
        ...
