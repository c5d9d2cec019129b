"""Makes models and their versions of rows."""

from __future__ import annotations

import asyncpg

from services.fraud.domain.scoring.model import ModelOrigin
from services.fraud.domain.scoring.settings import settings_from_json
from services.fraud.domain.scoring.version import FraudModel, ModelEnd, ModelUse, ModelVersion, outcome_from_json

__all__ = ["MODEL_COLUMNS", "VERSION_COLUMNS", "model_of", "model_version_of"]

MODEL_COLUMNS = "name, description, event_type, newest, tag, created_at, updated_at"
VERSION_COLUMNS = (
    "tenant_id, name, number, origin, event_type, settings, task_id, valid_until, most_missing, created_by, "
    "created_at, ready_at, outcome, end_state, error, ended_at"
)
"""Without the model itself, which may be large."""


def model_of(row: asyncpg.Record) -> FraudModel:
    return FraudModel(**dict(row.items()))


def model_version_of(row: asyncpg.Record) -> ModelVersion:
    settings, outcome = row["settings"], row["outcome"]
    end = ModelEnd(row["end_state"], row["error"], row["ended_at"]) if row["end_state"] is not None else None
    return ModelVersion(
        tenant_id=str(row["tenant_id"]),
        name=row["name"],
        number=row["number"],
        origin=ModelOrigin(row["origin"]),
        event_type=row["event_type"],
        settings=settings_from_json(settings) if settings is not None else None,
        task_id=str(row["task_id"]) if row["task_id"] is not None else "",
        use=ModelUse(row["valid_until"], row["most_missing"]),
        created_by=row["created_by"],
        created_at=row["created_at"],
        outcome=outcome_from_json(outcome) if outcome is not None else None,
        ready_at=row["ready_at"],
        end=end,
    )
