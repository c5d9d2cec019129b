"""Ports of labels: what is kept of them, what the entity logs have not been told, and files that are entered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from meshkit.named_requests import Claims, Writer
from services.fraud.domain.backtests.arrived import ArrivedLabel
from services.fraud.domain.event import StoredEvent
from services.fraud.domain.labels.imports import ImportedRows, LabelImport, RefusedRow
from services.fraud.domain.labels.label import LabelKind, LabelledTransaction, StoredLabel

__all__ = [
    "LabelArrivals",
    "LabelChanges",
    "LabelFilter",
    "LabelImports",
    "LabelReads",
    "LabelWriter",
    "MatchedLabels",
    "OldLabels",
    "PlacedLabel",
    "UntoldLabels",
]


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """Which labels are asked for. What is empty does not restrict."""

    transaction_id: str = ""
    kind: LabelKind | None = None
    source: str = ""
    pending: bool = False


class LabelReads(Protocol):
    """The labels of each tenant. Every method raises MeshError UNAVAILABLE during an outage."""

    async def get(self, tenant_id: str, label_id: UUID) -> StoredLabel | None: ...

    async def page(self, tenant_id: str, only: LabelFilter, before: UUID | None, limit: int) -> Sequence[StoredLabel]:
        """Returns at most `limit` labels that were stored before another one, the newest first."""
        ...


class LabelChanges(Claims, Protocol):
    """One transaction on the labels of one tenant. Those of a tenant follow each other."""

    async def transactions(self, transaction_ids: Collection[str]) -> Mapping[str, LabelledTransaction]:
        """Returns what is known of transactions, of each."""
        ...

    async def add(self, labels: Sequence[StoredLabel]) -> None:
        """Stores new labels, and tells the other services of them."""
        ...

    async def add_import(self, new: LabelImport, data: bytes) -> None: ...

    async def unfinished_imports(self) -> int:
        """Returns how many files are not entered yet, of those of the last day."""
        ...

    async def advance(self, import_id: str, done: int, rows: ImportedRows, *, whole: bool) -> bool:
        """Notes what came of the rows after the first `done` of an import, the last ones if it is `whole` then.

        False, and nothing is noted, if they are noted already.
        """
        ...


LabelWriter: TypeAlias = Writer[LabelChanges]


class MatchedLabels(NamedTuple):
    """What was found of labels whose transactions were waited for."""

    labels: Sequence[StoredLabel]
    """Those whose transactions have come."""
    last: str
    """Transaction up to which was looked; empty at the end."""


class UntoldLabels(Protocol):
    """The labels that the entity logs have not been told. Every method raises MeshError UNAVAILABLE."""

    async def tenants(self) -> Sequence[str]:
        """Returns the tenants that have such labels, or labels whose transactions are waited for."""
        ...

    async def match(self, tenant_id: str, after: str, limit: int) -> MatchedLabels:
        """Looks whether transactions have come that labels wait for: `limit` of them, behind one.

        The other services are told of the labels of those again.
        """
        ...

    async def untold(self, tenant_id: str, stored_before: datetime, limit: int) -> Sequence[StoredLabel]:
        """Returns labels of decided transactions that were stored a while ago, in their order."""
        ...

    async def of(self, transaction_ids: Collection[str], tenant_id: str) -> Sequence[StoredLabel]:
        """Returns the labels of transactions, in the order of their numbers, without those that are refused."""
        ...

    async def events(self, tenant_id: str, decisions: Collection[UUID]) -> Sequence[StoredEvent]:
        """Returns the events of decisions. Those that are not stored lack."""
        ...

    async def told(self, tenant_id: str, labels: Sequence[StoredLabel], arrival: int) -> None:
        """Notes where labels stand in the order of arrival."""
        ...


class PlacedLabel(NamedTuple):
    """A label with its place in the order of arrival."""

    arrival: int
    """Microseconds since 1970."""
    label: ArrivedLabel


class LabelArrivals(Protocol):
    """The labels as the entity logs were told of them."""

    def pages(self, tenant_id: str, since: datetime, until: datetime) -> AsyncGenerator[Sequence[PlacedLabel], None]:
        """Yields the labels that arrived in a period, in pages, in their order. Raises MeshError UNAVAILABLE."""
        ...


class LabelImports(Protocol):
    """The files of labels. Every method raises MeshError UNAVAILABLE during an outage."""

    async def get(self, tenant_id: str, import_id: UUID) -> LabelImport | None: ...

    async def data(self, tenant_id: str, import_id: UUID) -> bytes: ...

    async def errors(self, tenant_id: str, import_id: UUID, after: int, limit: int) -> Sequence[RefusedRow]:
        """Returns at most `limit` refused rows behind one, in their order."""
        ...


class OldLabels(Protocol):
    """Labels of transactions that never came, and files of labels, that have been kept for their time."""

    async def delete(self) -> int:
        """Deletes a slice of them, of all tenants, and returns how many; 0 if there are no more.

        Raises MeshError UNAVAILABLE.
        """
        ...
