"""Keeps in PostgreSQL what uploads were found to be, for the process that inspects them."""

from __future__ import annotations

import json
from hashlib import sha256

from meshkit.storage.postgres import Pool, transaction
from services.fraud import errors
from services.fraud.domain.scoring.version import ModelOutcome, outcome_from_json, outcome_to_json
from services.fraud.ports.models import InspectionOrder
from services.fraud.ports.training import MadeModel

__all__ = ["PartsMissingError", "PostgresInspected", "asked_of"]

_PARTS = """
SELECT part, data FROM model_upload_parts WHERE tenant_id = $1 AND name = $2 AND upload_id = $3 ORDER BY part"""
_FOUND = "SELECT outcome FROM inspected_models WHERE tenant_id = $1 AND name = $2 AND upload_id = $3 AND asked = $4"
_STORE = """
INSERT INTO inspected_models (tenant_id, name, upload_id, asked, outcome, described, onnx, booster)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant_id, name, upload_id) DO UPDATE SET asked = excluded.asked, outcome = excluded.outcome,
    described = excluded.described, onnx = excluded.onnx, booster = excluded.booster,
    created_at = excluded.created_at"""


def asked_of(order: InspectionOrder) -> str:
    """Returns what a file is said to be: what was found counts for the same words alone."""
    return json.dumps([order.size, order.sha256, order.format, *order.features])


class PartsMissingError(Exception):
    """Of a file there are `size` bytes, which are not all."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class PostgresInspected:
    """One upload, and what it was found to be."""

    def __init__(self, pool: Pool, order: InspectionOrder) -> None:
        self._pool = pool
        self._order = order
        self._place = order.tenant_id, order.name, order.upload_id
        self._asked = asked_of(order)

    async def known(self) -> ModelOutcome | None:
        """Returns what was found when the same was asked before."""
        async with transaction(self._pool, [self._order.tenant_id]) as connection:
            outcome = await connection.fetchval(_FOUND, *self._place, self._asked)
        return outcome_from_json(outcome) if outcome is not None else None

    async def content(self) -> bytes:
        """Returns the file. Raises PartsMissingError, and VALIDATION_FAILED if it is another one."""
        async with transaction(self._pool, [self._order.tenant_id]) as connection:
            rows = await connection.fetch(_PARTS, *self._place)
        content = b"".join(row["data"] for row in rows)
        if [row["part"] for row in rows] != list(range(1, len(rows) + 1)) or len(content) != self._order.size:
            raise PartsMissingError(len(content))
        if sha256(content).hexdigest() != self._order.sha256:
            raise errors.upload_differs()
        return content

    async def store(self, made: MadeModel) -> None:
        stored = outcome_to_json(made.outcome), made.described, made.onnx, made.booster
        async with transaction(self._pool, [self._order.tenant_id]) as connection:
            await connection.execute(_STORE, *self._place, self._asked, *stored)
