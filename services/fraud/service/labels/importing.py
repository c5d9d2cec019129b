"""Enters files of labels, row by row, as tasks: resumable, each row once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
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
from services.fraud.service.csv_records import csv_records
from services.fraud.service.labels.keeping import LabelService, ToldLabel
from services.fraud.service.labels.telling import LabelTeller

__all__ = ["IMPORTS_AT_ONCE", "KIND", "LabelFiles", "LabelImportWork"]

KIND = "fraud.label_import"
IMPORTS_AT_ONCE = KindLimits(max_running=4, max_running_per_tenant=1, internal=True)
ROWS_AT_ONCE = 500
TURN_ROWS = 50
"""Rows that are read while everything else waits: a few milliseconds."""
REQUIRED = ("transaction_id", "label")
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

    async def create(self, changes: LabelChanges, tenant_id: str, author: str, data: bytes) -> LabelImport:
        """Takes a file, and has it entered. Raises VALIDATION_FAILED, STATE_NOT_ALLOWED and DEPENDENCY_UNAVAILABLE."""
        rows = sum(1 for _ in numbered_rows(data, self._columns))
        if not rows:
            raise validation_failed(Violation("body.data", "rows.min", "must have a row beside the names of columns"))
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
        done = found.done
        rows = list(numbered_rows(await self._imports.data(task.tenant_id, import_id), self._columns))
        for start in range(done, found.rows, ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            await self._enter(found, start, part, whole=start + len(part) >= found.rows)
            task.progress(start + len(part), found.rows, "entering labels")
        return {"rows": found.rows}

    async def _enter(
        self,
        found: LabelImport,
        start: int,
        rows: Sequence[tuple[int, Sequence[str], Mapping[str, str]]],
        *,
        whole: bool,
    ) -> None:
        read: list[NewLabel | MeshError] = []
        for at, (_, cells, row) in enumerate(rows):
            read.append(self._read(cells, row))
            if not at % TURN_ROWS:
                await asyncio.sleep(0)
        created: list[StoredLabel] = []
        async with self._writer.begin(found.tenant_id) as changes:
            results = await self._labels.store(changes, found.created_by, read)
            told = [each for each in results if isinstance(each, ToldLabel)]
            created += [each.label for each in told if each.created]
            refused = [
                _refused(number, each) for (number, _, _), each in zip(rows, results, strict=True)
                if isinstance(each, MeshError)
            ]  # fmt: skip
            entered = ImportedRows(len(created), len(told) - len(created), refused)
            if not await changes.advance(found.import_id, start, entered, whole=whole):
                raise TaskFailure("Superseded", "another attempt enters the file", retryable=False)
        await self._teller.tell_soon(found.tenant_id, created)

    def _read(self, cells: Sequence[str], row: Mapping[str, str]) -> NewLabel | MeshError:
        if len(cells) != len(row):
            words = f"must have {len(row)} cells, one for each column, and has {len(cells)}"
            return validation_failed(Violation("", "rows.columns", words))
        try:
            return self._read_row(row)
        except MeshError as error:
            return error


def numbered_rows(data: bytes, columns: Sequence[str]) -> Iterator[tuple[int, Sequence[str], Mapping[str, str]]]:
    """Yields the rows of a file: number, cells, and cells by the names of columns. Empty lines are passed over.

    Raises VALIDATION_FAILED for what is no CSV, and for other columns.
    """
    names: Sequence[str] | None = None
    for number, cells in enumerate(csv_records(data), 1):
        if not cells:
            continue
        if names is None:
            names = [each.strip().lower() for each in cells]
            _check_names(names, columns)
            continue
        yield number, cells, {name: cells[at] if at < len(cells) else "" for at, name in enumerate(names)}


def _check_names(names: Sequence[str], columns: Sequence[str]) -> None:
    if len(set(names)) < len(names) or not set(names) <= set(columns) or not set(REQUIRED) <= set(names):
        words = (
            f"the first row must name the columns: {' and '.join(REQUIRED)}, and any of "
            f"{', '.join(each for each in columns if each not in REQUIRED)}, each once"
        )
        raise validation_failed(Violation("body.data", "rows.columns", words))


def _refused(row: int, error: MeshError) -> RefusedRow:
    if not error.violations:
        return RefusedRow(row, "", error.message)
    found = error.violations[:SHOWN]
    return RefusedRow(row, found[0].field, "; ".join(each.message for each in found))
