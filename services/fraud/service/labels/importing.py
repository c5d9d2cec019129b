"""Enters files of labels, row by row, as tasks: resumable, each row once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from meshkit.errors import MeshError, Violation, validation_failed
from meshkit.ids import uuid7_text
from meshkit.tasks import (
    GONE,
    KindLimits,
    LeasedTask,
    OrderedWork,
    Result,
    SubmittedTasks,
    TaskFailure,
    WorkState,
    when_created,
)
from services.fraud import errors
from services.fraud.domain.labels.imports import MOST_UNFINISHED_IMPORTS, ImportedRows, LabelImport, RefusedRow
from services.fraud.domain.labels.label import NewLabel, StoredLabel
from services.fraud.ports.labels import LabelChanges, LabelImports, LabelWriter
from services.fraud.service.labels.file_rows import FileRow, counted_rows, file_rows
from services.fraud.service.labels.keeping import LabelService, ToldLabel
from services.fraud.service.labels.telling import LabelTeller

__all__ = ["IMPORTS_AT_ONCE", "KIND", "LabelFiles", "LabelImportWork"]

KIND = "fraud.label_import"
IMPORTS_AT_ONCE = KindLimits(max_running=4, max_running_per_tenant=1, internal=True)
ROWS_AT_ONCE = 500
SHOWN = 3
"""Violations of a row that are told."""

ReadRow = Callable[[Mapping[str, str]], NewLabel]
"""Returns the label of a row, by the names of columns. Raises VALIDATION_FAILED."""


class LabelFiles:
    """The use cases of files. `columns` are those that a file may have."""

    def __init__(
        self, imports: LabelImports, tasks: SubmittedTasks, columns: Sequence[str], clock: Callable[[], datetime]
    ) -> None:
        self._imports = imports
        self._tasks = tasks
        self._columns = columns
        self._clock = clock

    async def count(self, data: bytes) -> int:
        """Returns the number of rows of a file. Raises VALIDATION_FAILED for one that cannot be entered."""
        return await counted_rows(data, self._columns)

    async def create(self, changes: LabelChanges, tenant_id: str, author: str, data: bytes, rows: int) -> LabelImport:
        """Takes a file of so many rows, and has it entered. Raises STATE_NOT_ALLOWED and DEPENDENCY_UNAVAILABLE."""
        if await changes.unfinished_imports() >= MOST_UNFINISHED_IMPORTS:
            words = f"there are {MOST_UNFINISHED_IMPORTS} files that are not entered yet: wait until one is"
            raise errors.step_not_allowed(words, "pending")
        import_id = uuid7_text()
        work = OrderedWork(import_id, f"Import of {rows} labels", {"import_id": import_id})
        made = LabelImport(
            tenant_id=tenant_id,
            import_id=import_id,
            task_id=await self._tasks.submit(work),
            rows=rows,
            created_by=author,
            created_at=self._clock(),
        )
        await changes.add_import(made, data)
        return made

    async def get(self, tenant_id: str, import_id: UUID) -> tuple[LabelImport, WorkState]:
        """Raises RESOURCE_NOT_FOUND."""
        found = await self._found(tenant_id, import_id)
        return found, (await self._tasks.states([found.task_id])).get(found.task_id, GONE)

    async def refused(
        self, tenant_id: str, import_id: UUID, after: int, limit: int
    ) -> tuple[Sequence[RefusedRow], bool]:
        """Returns a page of at most `limit` refused rows, and whether there are more. Raises RESOURCE_NOT_FOUND."""
        await self._found(tenant_id, import_id)
        found = await self._imports.errors(tenant_id, import_id, after, limit + 1)
        return found[:limit], len(found) > limit

    async def _found(self, tenant_id: str, import_id: UUID) -> LabelImport:
        found = await self._imports.get(tenant_id, import_id)
        if found is None:
            raise errors.found_none("label import")
        return found


class _ReadRow(NamedTuple):
    """A row as a label, or what is wrong with it."""

    number: int
    label: NewLabel | MeshError


class LabelImportWork:
    """Handles tasks of `KIND`."""

    def __init__(
        self,
        imports: LabelImports,
        writer: LabelWriter,
        labels: LabelService,
        teller: LabelTeller,
        columns: Sequence[str],
        read_row: ReadRow,
    ) -> None:
        self._imports = imports
        self._writer = writer
        self._labels = labels
        self._teller = teller
        self._columns = columns
        self._read_row = read_row

    async def run(self, task: LeasedTask) -> Result:
        """Does an attempt. Raises TaskFailure, and MeshError UNAVAILABLE and ABORTED."""
        import_id = UUID(str(task.arguments["import_id"]))
        found = await when_created("import", lambda: self._imports.get(task.tenant_id, import_id))
        seen, part = 0, list[_ReadRow]()
        async with aclosing(file_rows(await self._imports.data(task.tenant_id, import_id), self._columns)) as rows:
            async for row in rows:
                seen += 1
                if seen <= found.done:
                    continue
                part.append(_ReadRow(row.number, self._read(row)))
                if len(part) == ROWS_AT_ONCE or seen == found.rows:
                    await self._enter(found, seen - len(part), part, whole=seen == found.rows)
                    task.progress(seen, found.rows, "entering labels")
                    part = []
        return {"rows": found.rows}

    async def _enter(self, found: LabelImport, start: int, rows: Sequence[_ReadRow], *, whole: bool) -> None:
        created: list[StoredLabel] = []
        async with self._writer.begin(found.tenant_id) as changes:
            results = await self._labels.store(changes, found.created_by, [each.label for each in rows])
            told = [each for each in results if isinstance(each, ToldLabel)]
            created += [each.label for each in told if each.created]
            refused = [
                _refused(row.number, each) for row, each in zip(rows, results, strict=True)
                if isinstance(each, MeshError)
            ]  # fmt: skip
            entered = ImportedRows(len(created), len(told) - len(created), refused)
            if not await changes.advance(found.import_id, start, entered, whole=whole):
                raise TaskFailure("Superseded", "another attempt enters the file", retryable=False)
        await self._teller.tell_soon(found.tenant_id, created)

    def _read(self, row: FileRow) -> NewLabel | MeshError:
        if len(row.cells) != len(row.values):
            words = f"must have {len(row.values)} cells, one for each column, and has {len(row.cells)}"
            return validation_failed(Violation("", "rows.columns", words))
        try:
            return self._read_row(row.values)
        except MeshError as error:
            return error


def _refused(row: int, error: MeshError) -> RefusedRow:
    if not error.violations:
        return RefusedRow(row, "", error.message)
    found = error.violations[:SHOWN]
    return RefusedRow(row, found[0].field, "; ".join(each.message for each in found))
