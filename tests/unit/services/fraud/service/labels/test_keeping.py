"""What becomes of labels that are told: how many a transaction may have, and how many are stored at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from meshkit.errors import MeshError
from services.fraud.adapters.memory_labels import (
    MemoryLabelChanges,
    MemoryLabelRows,
    MemoryLabels,
    MemoryLabelWriter,
)
from services.fraud.domain.labels.label import MOST_LABELS, NewLabel, StoredLabel
from services.fraud.ports.labels import LabelChanges
from services.fraud.service.labels.keeping import STEP_LABELS, LabelService, ToldLabel
from tests.support.fraud import new_tenant
from tests.support.labels import NOW, label, said


async def told(rows: MemoryLabelRows, tenant: str, *labels: NewLabel) -> Sequence[ToldLabel | MeshError]:
    service = LabelService(MemoryLabels(rows), lambda: NOW)
    async with MemoryLabelWriter(rows).begin(tenant) as changes:
        return await service.store(changes, "alice", labels)


async def test_a_transaction_has_a_hundred_labels_whatever_their_numbers() -> None:
    rows, tenant = MemoryLabelRows(), new_tenant()
    rows.labels[tenant, "tx-1"] = [label(200)]
    new = [said(known=NOW - timedelta(minutes=minutes)) for minutes in range(1, MOST_LABELS + 1)]
    *stored, last = await told(rows, tenant, *new)
    assert [each.label.number for each in stored if isinstance(each, ToldLabel)] == list(range(201, 300))
    assert isinstance(last, MeshError)


async def test_of_a_long_batch_few_labels_are_stored_at_once() -> None:
    rows, tenant, steps = MemoryLabelRows(), new_tenant(), list[int]()

    class Watched(MemoryLabelChanges):
        async def add(self, labels: Sequence[StoredLabel]) -> None:
            steps.append(len(labels))
            await super().add(labels)

    changes: LabelChanges = Watched(rows, tenant)
    new = [said(f"tx-{number % 450}", source=f"source-{number}") for number in range(900)]
    results = await LabelService(MemoryLabels(rows), lambda: NOW).store(changes, "alice", new)
    assert (sum(steps), max(steps)) == (900, STEP_LABELS)
    assert [each.label.number for each in results if isinstance(each, ToldLabel)] == [1] * 450 + [2] * 450
