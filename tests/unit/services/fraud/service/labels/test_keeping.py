"""What becomes of labels that are told: how many a transaction may have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from meshkit.errors import MeshError
from services.fraud.adapters.memory_labels import MemoryLabelRows, MemoryLabels, MemoryLabelWriter
from services.fraud.domain.labels.label import MOST_LABELS, NewLabel
from services.fraud.service.labels.keeping import LabelService, ToldLabel
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
