"""Models as they are kept, and what came of their versions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from services.fraud.domain.names import FieldFault
from services.fraud.domain.scoring.model import ModelOrigin, ModelRef
from services.fraud.domain.scoring.settings import TrainingSettings

__all__ = [
    "LARGEST_FILE_BYTES",
    "MOST_MODELS",
    "MOST_TRAININGS",
    "MOST_UPLOAD_PARTS",
    "MOST_VERSIONS",
    "FraudModel",
    "ModelEnd",
    "ModelOutcome",
    "ModelUse",
    "ModelVersion",
    "NewModel",
    "outcome_from_json",
    "outcome_to_json",
    "use_faults",
]

MOST_MODELS = 100
"""Of a tenant."""
MOST_VERSIONS = 1_000
"""Of a model."""
MOST_TRAININGS = 10
"""Of a tenant that have not ended."""
LARGEST_FILE_BYTES = 32 << 20
MOST_UPLOAD_PARTS = 96
"""Of a tenant that wait to be taken."""


@dataclass(frozen=True, slots=True)
class NewModel:
    """What is asked for."""

    name: str
    description: str
    event_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FraudModel:
    """A model of a tenant."""

    name: str
    description: str = ""
    event_type: str
    newest: int = 0
    """Number of its newest version."""
    tag: UUID
    """Another one after each change."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutcome:
    """What is told of a model that is there."""

    features: tuple[str, ...]
    fingerprint: str
    libraries: Mapping[str, str] = field(default_factory=dict)
    data_fingerprint: str = ""
    learned_rows: int = 0
    learned_frauds: int = 0
    unreadable: int = 0
    evaluation: Mapping[str, Any] | None = None
    """As the model's description has it."""
    validation: Mapping[str, Any] | None = None
    onnx_bytes: int = 0
    takes_missing: bool = True
    explains: bool = True


_OUTCOME_FIELDS = {each.name for each in fields(ModelOutcome)}


@dataclass(frozen=True, slots=True)
class ModelUse:
    """How a version may be used: all of it that ever changes."""

    valid_until: datetime | None = None
    most_missing: float = 1.0


@dataclass(frozen=True, slots=True)
class ModelEnd:
    """How a training ended that made no model."""

    state: str
    """"failed" or "cancelled"."""
    error: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A version of a model, without the model itself."""

    tenant_id: str
    name: str
    number: int
    origin: ModelOrigin
    event_type: str
    settings: TrainingSettings | None = None
    task_id: str = ""
    """Of the task that trains it; empty for one that was brought."""
    use: ModelUse = ModelUse()
    created_by: str = ""
    created_at: datetime
    outcome: ModelOutcome | None = None
    """None before it is ready."""
    ready_at: datetime | None = None
    end: ModelEnd | None = None

    @property
    def ref(self) -> ModelRef:
        return ModelRef(self.name, self.number)


def use_faults(use: ModelUse, outcome: ModelOutcome) -> Sequence[FieldFault]:
    """Returns what is wrong with how a version is to be used."""
    if use.most_missing > 0 and not outcome.takes_missing:
        words = "must be 0: the model gives no probability where a feature is missing"
        return [FieldFault("most_missing", "most_missing.taken", words)]
    return []


def outcome_to_json(outcome: ModelOutcome) -> str:
    told = {
        "features": outcome.features,
        "fingerprint": outcome.fingerprint,
        "libraries": dict(outcome.libraries),
        "data_fingerprint": outcome.data_fingerprint,
        "learned_rows": outcome.learned_rows,
        "learned_frauds": outcome.learned_frauds,
        "unreadable": outcome.unreadable,
        "evaluation": outcome.evaluation,
        "validation": outcome.validation,
        "onnx_bytes": outcome.onnx_bytes,
        "takes_missing": outcome.takes_missing,
        "explains": outcome.explains,
    }
    return json.dumps(told, allow_nan=False)


def outcome_from_json(text: str) -> ModelOutcome:
    """Reads an outcome; what a later release says of it is left out, for both run while one replaces the other."""
    read = json.loads(text)
    known = {name: read[name] for name in _OUTCOME_FIELDS & read.keys()}
    return ModelOutcome(**{**known, "features": tuple(read["features"])})
