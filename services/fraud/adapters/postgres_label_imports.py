"""Reads the files of labels, and what came of them, from PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from meshkit.storage.reads import Reads
from services.fraud.domain.labels.imports import LabelImport, RefusedRow

__all__ = ["PostgresLabelImports"]

_GET = """
SELECT import_id, task_id, rows, done, stored, unchanged, refused, created_by, create_time FROM label_imports
WHERE tenant_id = $1 AND import_id = $2"""
_DATA = "SELECT data FROM label_imports WHERE tenant_id = $1 AND import_id = $2"
_ERRORS = """
SELECT row, field, message FROM label_import_errors WHERE tenant_id = $1 AND import_id = $2 AND row > $3
ORDER BY row LIMIT $4"""


class PostgresLabelImports:
    """Implements `LabelImports`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def get(self, tenant_id: str, import_id: UUID) -> LabelImport | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_GET, tenant_id, import_id)
        if row is None:
            return None
        return LabelImport(
            tenant_id=tenant_id,
            import_id=str(row["import_id"]),
            task_id=str(row["task_id"]),
            rows=row["rows"],
            done=row["done"],
            stored=row["stored"],
            unchanged=row["unchanged"],
            refused=row["refused"],
            created_by=row["created_by"],
            created_at=row["create_time"],
        )

    async def data(self, tenant_id: str, import_id: UUID) -> bytes:
        async with self._reads.of(tenant_id) as connection:
            return await connection.fetchval(_DATA, tenant_id, import_id) or b""

    async def errors(self, tenant_id: str, import_id: UUID, after: int, limit: int) -> Sequence[RefusedRow]:
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_ERRORS, tenant_id, import_id, after, limit)
        return [RefusedRow(*row) for row in rows]
