"""Changes models in PostgreSQL, under row-level security."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from meshkit.storage.locks import hold_lock
from meshkit.storage.named_requests import PostgresClaims
from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.engine_revisions import hold
from services.fraud.adapters.model_rows import MODEL_COLUMNS, VERSION_COLUMNS, model_of, model_version_of
from services.fraud.adapters.postgres_inspected import asked_of
from services.fraud.adapters.postgres_scenarios import read_contents
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.domain.scoring.settings import settings_to_json
from services.fraud.domain.scoring.version import (
    FraudModel,
    ModelEnd,
    ModelOutcome,
    ModelUse,
    ModelVersion,
    outcome_from_json,
)
from services.fraud.ports import UsingContent
from services.fraud.ports.models import InspectionOrder, ModelChanges, UploadSize

__all__ = ["PostgresModelChanges", "PostgresModelWriter"]

CHUNK = 20
"""Parts and models that are deleted at once: they are long."""
_MODEL = f"SELECT {MODEL_COLUMNS} FROM models WHERE tenant_id = $1 AND name = $2"
_COUNT = "SELECT count(*) FROM models WHERE tenant_id = $1"
_CREATE = f"""
INSERT INTO models (tenant_id, {MODEL_COLUMNS}) VALUES (
    $1, $2, $3, $4, coalesce((SELECT newest FROM model_numbers WHERE tenant_id = $1 AND name = $2), 0), $5, $6, $7
) ON CONFLICT DO NOTHING RETURNING {MODEL_COLUMNS}"""
_SAVE = "UPDATE models SET description = $3, tag = $4, updated_at = $5 WHERE tenant_id = $1 AND name = $2"
_KEEP_NUMBER = """
INSERT INTO model_numbers (tenant_id, name, newest)
SELECT tenant_id, name, newest FROM models WHERE tenant_id = $1 AND name = $2 AND newest > 0
ON CONFLICT (tenant_id, name) DO UPDATE SET newest = excluded.newest"""
_DELETE = "DELETE FROM models WHERE tenant_id = $1 AND name = $2"
_VERSION = f"SELECT {VERSION_COLUMNS} FROM model_versions WHERE tenant_id = $1 AND name = $2 AND number = $3"
_UNFINISHED = f"""
SELECT {VERSION_COLUMNS} FROM model_versions
WHERE tenant_id = $1 AND outcome IS NULL AND end_state IS DISTINCT FROM 'failed' AND ($2 = '' OR name = $2)
ORDER BY created_at DESC LIMIT 100"""
_ADD = """
INSERT INTO model_versions (tenant_id, name, number, origin, event_type, settings, task_id, valid_until, most_missing,
    created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
_NEWEST = "UPDATE models SET newest = $3 WHERE tenant_id = $1 AND name = $2"
_ADD_INSPECTED = """
INSERT INTO model_versions (tenant_id, name, number, origin, event_type, valid_until, most_missing, created_by,
    created_at, ready_at, outcome, described, onnx, booster)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $9, outcome, described, onnx, booster
FROM inspected_models WHERE tenant_id = $1 AND name = $2 AND upload_id = $10 AND asked = $11
RETURNING outcome"""
_TAKEN = "DELETE FROM model_upload_parts WHERE tenant_id = $1 AND name = $2 AND upload_id = $3"
_USE = """
UPDATE model_versions SET valid_until = $4, most_missing = $5 WHERE tenant_id = $1 AND name = $2 AND number = $3"""
_END = """
UPDATE model_versions SET end_state = $4, error = $5, ended_at = $6
WHERE tenant_id = $1 AND name = $2 AND number = $3 AND outcome IS NULL"""
_STAGE = """
INSERT INTO model_upload_parts (tenant_id, name, upload_id, part, data, created_by) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, name, upload_id, part) DO UPDATE
SET data = excluded.data, created_by = excluded.created_by, created_at = excluded.created_at"""
_STAGED = """
SELECT count(*) AS parts, coalesce(sum(octet_length(data)), 0)::bigint AS size FROM model_upload_parts
WHERE tenant_id = $1 AND name = $2 AND upload_id = $3"""
_WAITING = "SELECT count(*) FROM model_upload_parts WHERE tenant_id = $1"
_PRUNE = """
DELETE FROM {table} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {table} WHERE created_at < now() - interval '1 day' LIMIT $1
))"""


class PostgresModelWriter:
    """Implements `ModelWriter`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[ModelChanges]:
        async with transaction(self._pool, [tenant_id]) as connection:
            # Versions of a tenant are numbered one after another.
            await hold_lock(connection, "models", tenant_id)
            yield PostgresModelChanges(connection, tenant_id)

    async def prune(self) -> int:
        """Deletes a slice of what was brought, of all tenants, more than a day ago, and returns how many rows."""
        count = 0
        async with transaction(self._pool, ()) as connection:
            await connection.execute("SELECT set_config('rampart.cleaning', 'on', true)")
            for table in ("model_upload_parts", "inspected_models"):
                count += int((await connection.execute(_PRUNE.format(table=table), CHUNK)).rpartition(" ")[2])
        return count


class PostgresModelChanges(PostgresClaims):
    """Implements `ModelChanges` on a connection with an open transaction."""

    async def model(self, name: str) -> FraudModel | None:
        row = await self._connection.fetchrow(_MODEL, self._tenant_id, name)
        return model_of(row) if row else None

    async def count(self) -> int:
        return int(await self._connection.fetchval(_COUNT, self._tenant_id))

    async def create(self, model: FraudModel) -> FraudModel | None:
        values = model.name, model.description, model.event_type, model.tag, model.created_at, model.updated_at
        row = await self._connection.fetchrow(_CREATE, self._tenant_id, *values)
        return model_of(row) if row else None

    async def save(self, model: FraudModel) -> None:
        row = model.name, model.description, model.tag, model.updated_at
        await self._connection.execute(_SAVE, self._tenant_id, *row)

    async def delete(self, name: str) -> None:
        await self._connection.execute(_KEEP_NUMBER, self._tenant_id, name)
        await self._connection.execute(_DELETE, self._tenant_id, name)

    async def contents(self) -> Sequence[UsingContent]:
        await hold(self._connection, self._tenant_id)
        return await read_contents(self._connection, self._tenant_id)

    async def version(self, ref: ModelRef) -> ModelVersion | None:
        row = await self._connection.fetchrow(_VERSION, self._tenant_id, *ref)
        return model_version_of(row) if row else None

    async def unfinished(self, name: str = "") -> Sequence[ModelVersion]:
        return [model_version_of(row) for row in await self._connection.fetch(_UNFINISHED, self._tenant_id, name)]

    async def add_version(self, version: ModelVersion) -> None:
        assert version.settings is not None
        row = (
            version.origin.value, version.event_type, settings_to_json(version.settings), version.task_id,
            version.use.valid_until, version.use.most_missing, version.created_by, version.created_at,
        )  # fmt: skip
        await self._connection.execute(_ADD, self._tenant_id, *version.ref, *row)
        await self._connection.execute(_NEWEST, self._tenant_id, *version.ref)

    async def add_inspected(self, version: ModelVersion, order: InspectionOrder) -> ModelOutcome | None:
        row = (
            version.origin.value, version.event_type, version.use.valid_until, version.use.most_missing,
            version.created_by, version.created_at,
        )  # fmt: skip
        inspected = order.upload_id, asked_of(order)
        outcome = await self._connection.fetchval(_ADD_INSPECTED, self._tenant_id, *version.ref, *row, *inspected)
        if outcome is None:
            return None
        await self._connection.execute(_NEWEST, self._tenant_id, *version.ref)
        await self._connection.execute(_TAKEN, self._tenant_id, version.name, order.upload_id)
        return outcome_from_json(outcome)

    async def use(self, ref: ModelRef, use: ModelUse) -> None:
        await self._connection.execute(_USE, self._tenant_id, *ref, use.valid_until, use.most_missing)

    async def end(self, ref: ModelRef, end: ModelEnd) -> None:
        await self._connection.execute(_END, self._tenant_id, *ref, end.state, end.error, end.at)

    async def stage(self, name: str, upload_id: UUID, part: int, data: bytes, author: str) -> UploadSize:
        await self._connection.execute(_STAGE, self._tenant_id, name, upload_id, part, data, author)
        row = await self._connection.fetchrow(_STAGED, self._tenant_id, name, upload_id)
        assert row is not None
        return UploadSize(row["parts"], row["size"])

    async def waiting(self) -> int:
        return int(await self._connection.fetchval(_WAITING, self._tenant_id))
