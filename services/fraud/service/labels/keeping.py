"""Keeps labels: stores, reads and lists them. The tenant is the verified caller's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from meshkit.errors import MeshError
from meshkit.ids import uuid7_text
from services.fraud import errors
from services.fraud.domain.labels.label import (
    MOST_LABELS,
    LabelledTransaction,
    NewLabel,
    StoredLabel,
    assigned,
    label_faults,
)
from services.fraud.ports.labels import LabelChanges, LabelFilter, LabelReads

__all__ = ["STEP_LABELS", "LabelService", "ToldLabel"]

STEP_LABELS = 100
"""Labels that are read, judged and stored, or answered while everything else waits: a few milliseconds."""


class ToldLabel(NamedTuple):
    """What became of a label that was told."""

    label: StoredLabel
    created: bool
    """False if its transaction had it already."""


class LabelService:
    """The use cases. What changes something does so in the transaction that it is given."""

    def __init__(self, reads: LabelReads, clock: Callable[[], datetime]) -> None:
        self._reads = reads
        self._clock = clock

    async def store(
        self, changes: LabelChanges, author: str, told: Sequence[NewLabel | MeshError]
    ) -> Sequence[ToldLabel | MeshError]:
        """Stores labels, each for itself, in their order. Returns what became of each."""
        now = self._now()
        results: list[ToldLabel | MeshError] = []
        for start in range(0, len(told), STEP_LABELS):
            results += await self._store(changes, author, told[start : start + STEP_LABELS], now)
            await asyncio.sleep(0)
        return results

    async def _store(
        self, changes: LabelChanges, author: str, told: Sequence[NewLabel | MeshError], now: datetime
    ) -> Sequence[ToldLabel | MeshError]:
        names = {each.transaction_id for each in told if isinstance(each, NewLabel)}
        known = dict(await changes.transactions(sorted(names))) if names else {}
        results: list[ToldLabel | MeshError] = []
        for each in told:
            result = each if isinstance(each, MeshError) else _told(each, known[each.transaction_id], author, now)
            if isinstance(result, ToldLabel) and result.created:
                before = known[result.label.transaction_id]
                known[result.label.transaction_id] = before._replace(labels=[*before.labels, result.label])
            results.append(result)
        await changes.add([each.label for each in results if isinstance(each, ToldLabel) and each.created])
        return results

    async def get(self, tenant_id: str, label_id: UUID) -> StoredLabel:
        """Raises RESOURCE_NOT_FOUND."""
        found = await self._reads.get(tenant_id, label_id)
        if found is None:
            raise errors.found_none("label")
        return found

    async def page(
        self, tenant_id: str, only: LabelFilter, before: UUID | None, limit: int
    ) -> tuple[Sequence[StoredLabel], bool]:
        """Returns a page of at most `limit` labels, newest first, and whether there are more."""
        found = await self._reads.page(tenant_id, only, before, limit + 1)
        return found[:limit], len(found) > limit

    def _now(self) -> datetime:
        now = self._clock()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _told(told: NewLabel, known: LabelledTransaction, author: str, now: datetime) -> ToldLabel | MeshError:
    faults = label_faults(told, known.event_at, now)
    if faults:
        return errors.fields_invalid(faults)
    label, created = assigned(told, known, uuid7_text(), author, now)
    if created and len(known.labels) >= MOST_LABELS:
        return errors.too_many_labels("transaction_id", MOST_LABELS)
    return ToldLabel(label, created)
