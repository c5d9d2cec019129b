"""Files of labels are entered part by part: an attempt goes on where another one was, and reads on from there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from meshkit.errors import Violation, validation_failed
from services.fraud.adapters.memory_labels import MemoryLabelImports, MemoryLabelRows, MemoryLabels, MemoryLabelWriter
from services.fraud.domain.labels.imports import LabelImport
from services.fraud.domain.labels.label import NewLabel
from services.fraud.service.labels.importing import ROWS_AT_ONCE, LabelImportWork
from services.fraud.service.labels.keeping import LabelService
from tests.support.fraud import new_tenant
from tests.support.labels import NOW, said

ROWS = 2 * ROWS_AT_ONCE + 7
WRONG = (3, ROWS_AT_ONCE + 3)
"""Rows at fault, by their numbers in the file."""


class Entered:
    """A file of which two rows are at fault, and what enters it."""

    def __init__(self) -> None:
        self.rows, self.tenant, self.import_id = MemoryLabelRows(), new_tenant(), str(uuid4())
        lines = [f"tx-{number},{'no' if number in WRONG else 'fraud'}" for number in range(2, ROWS + 2)]
        key = self.tenant, self.import_id
        self.rows.files[key] = "\n".join(["transaction_id,label", *lines]).encode()
        self.rows.imports[key] = LabelImport(
            tenant_id=self.tenant, import_id=self.import_id, rows=ROWS, created_by="alice", created_at=NOW
        )
        self.read: list[str] = []
        self.fails_at = ""

    @property
    def file(self) -> LabelImport:
        return self.rows.imports[self.tenant, self.import_id]

    async def attempt(self) -> None:
        teller: Any = SimpleNamespace(tell_soon=self._told)
        service = LabelService(MemoryLabels(self.rows), lambda: NOW)
        imports, writer = MemoryLabelImports(self.rows), MemoryLabelWriter(self.rows)
        work = LabelImportWork(imports, writer, service, teller, ("transaction_id", "label"), self._read)
        task: Any = SimpleNamespace(
            tenant_id=self.tenant, arguments={"import_id": self.import_id}, progress=lambda *told: None
        )
        assert await work.run(task) == {"rows": ROWS}

    def _read(self, row: Mapping[str, str]) -> NewLabel:
        name = row["transaction_id"]
        if name == self.fails_at:
            raise RuntimeError(name)
        self.read.append(name)
        if row["label"] == "no":
            raise validation_failed(Violation("label", "label", "must be another"))
        return said(name)

    async def _told(self, tenant_id: str, labels: Sequence[object]) -> None:
        pass


async def test_a_file_is_entered_and_its_rows_at_fault_are_listed() -> None:
    entered = Entered()
    await entered.attempt()
    found = entered.file
    assert (found.done, found.stored, found.refused) == (ROWS, ROWS - 2, 2)
    errors = entered.rows.refused[entered.tenant, entered.import_id]
    assert [(each.row, each.field) for each in errors] == [(number, "label") for number in WRONG]
    assert entered.rows.files[entered.tenant, entered.import_id] == b""


async def test_an_attempt_reads_on_from_where_the_one_before_it_was() -> None:
    entered = Entered()
    entered.fails_at = f"tx-{ROWS_AT_ONCE + 10}"
    with pytest.raises(RuntimeError):
        await entered.attempt()
    assert entered.file.done == ROWS_AT_ONCE
    entered.fails_at, entered.read = "", []
    await entered.attempt()
    assert entered.read[0] == f"tx-{ROWS_AT_ONCE + 2}"
    assert (entered.file.done, entered.file.stored, entered.file.refused) == (ROWS, ROWS - 2, 2)
