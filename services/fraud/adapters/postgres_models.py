"""Reads models from PostgreSQL, under row-level security, and stores what attempts at training made."""

from __future__ import annotations

from collections.abc import Sequence

from meshkit.storage.postgres import Pool, transaction
from meshkit.storage.reads import Reads
from services.fraud.adapters.model_rows import MODEL_COLUMNS, VERSION_COLUMNS, model_of, model_version_of
from services.fraud.domain.scoring.model import ModelRef, ServedModel
from services.fraud.domain.scoring.version import FraudModel, ModelUse, ModelVersion, outcome_from_json, outcome_to_json
from services.fraud.ports.backtests import SupersededError
from services.fraud.ports.training import MadeModel

__all__ = ["PostgresModels", "PostgresTrainingAttempts"]

_MODEL = f"SELECT {MODEL_COLUMNS} FROM models WHERE tenant_id = $1 AND name = $2"
_PAGE = f"SELECT {MODEL_COLUMNS} FROM models WHERE tenant_id = $1 AND name > $2 ORDER BY name LIMIT $3"
_VERSION = f"SELECT {VERSION_COLUMNS} FROM model_versions WHERE tenant_id = $1 AND name = $2 AND number = $3"
_VERSIONS = f"""
SELECT {VERSION_COLUMNS} FROM model_versions WHERE tenant_id = $1 AND name = $2 AND number < $3
ORDER BY number DESC LIMIT $4"""
_ONNX = """
SELECT onnx FROM model_versions WHERE tenant_id = $1 AND name = $2 AND number = $3 AND octet_length(onnx) <= $4"""
_SERVED = """
SELECT described, onnx, booster, valid_until, most_missing FROM model_versions
WHERE tenant_id = $1 AND name = $2 AND number = $3 AND outcome IS NOT NULL"""
_USE = """
SELECT valid_until, most_missing FROM model_versions
WHERE tenant_id = $1 AND name = $2 AND number = $3 AND outcome IS NOT NULL"""
_OUTCOME = "SELECT outcome FROM model_versions WHERE tenant_id = $1 AND name = $2 AND number = $3"
_BEGIN = """
UPDATE model_versions SET token = $4
WHERE tenant_id = $1 AND name = $2 AND number = $3 AND token <= $4 AND outcome IS NULL RETURNING number"""
_READY = "SELECT outcome IS NOT NULL FROM model_versions WHERE tenant_id = $1 AND name = $2 AND number = $3"
_FINISH = """
UPDATE model_versions SET outcome = $5, described = $6, onnx = $7, booster = $8, ready_at = now(), end_state = NULL,
    error = NULL, ended_at = NULL
WHERE tenant_id = $1 AND name = $2 AND number = $3 AND token = $4 AND outcome IS NULL RETURNING number"""


class PostgresModels:
    """Implements `ModelReads`, `ServedModels` and `ModelInputs`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def model(self, tenant_id: str, name: str) -> FraudModel | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_MODEL, tenant_id, name)
        return model_of(row) if row else None

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[FraudModel]:
        async with self._reads.of(tenant_id) as connection:
            return [model_of(row) for row in await connection.fetch(_PAGE, tenant_id, after, limit)]

    async def version(self, tenant_id: str, ref: ModelRef) -> ModelVersion | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_VERSION, tenant_id, *ref)
        return model_version_of(row) if row else None

    async def versions(self, tenant_id: str, name: str, before: int, limit: int) -> Sequence[ModelVersion]:
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_VERSIONS, tenant_id, name, before, limit)
        return [model_version_of(row) for row in rows]

    async def onnx(self, tenant_id: str, ref: ModelRef, most: int) -> bytes | None:
        async with self._reads.of(tenant_id) as connection:
            found: bytes | None = await connection.fetchval(_ONNX, tenant_id, *ref, most)
        return found

    async def served(self, tenant_id: str, ref: ModelRef) -> ServedModel | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_SERVED, tenant_id, *ref)
        return ServedModel(ref=ref, **dict(row.items())) if row else None

    async def use(self, tenant_id: str, ref: ModelRef) -> ModelUse | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_USE, tenant_id, *ref)
        return ModelUse(*row) if row else None

    async def inputs(self, tenant_id: str, ref: ModelRef) -> Sequence[str] | None:
        async with self._reads.of(tenant_id) as connection:
            outcome = await connection.fetchval(_OUTCOME, tenant_id, *ref)
        return outcome_from_json(outcome).features if outcome is not None else None


class PostgresTrainingAttempts:
    """Implements `TrainingAttempts`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, tenant_id: str, ref: ModelRef, token: int) -> bool:
        async with transaction(self._pool, [tenant_id]) as connection:
            if await connection.fetchval(_BEGIN, tenant_id, *ref, token) is not None:
                return True
            if await connection.fetchval(_READY, tenant_id, *ref):
                return False
        raise SupersededError

    async def finish(self, tenant_id: str, ref: ModelRef, token: int, made: MadeModel) -> None:
        stored = outcome_to_json(made.outcome), made.described, made.onnx, made.booster
        async with transaction(self._pool, [tenant_id]) as connection:
            if await connection.fetchval(_FINISH, tenant_id, *ref, token, *stored) is None:
                raise SupersededError
