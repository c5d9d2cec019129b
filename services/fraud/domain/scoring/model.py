"""A model of a tenant: a name, and versions of it that were trained or brought, none of which ever changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

__all__ = ["MODEL_NAME", "Contribution", "ModelOrigin", "ModelRef", "ModelScore", "ServedModel"]

MODEL_NAME = r"[a-z][a-z0-9_-]{0,62}"
"""What a model may be called."""


class ModelRef(NamedTuple):
    """Names a version of a model of a tenant."""

    name: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}@{self.number}"


class Contribution(NamedTuple):
    """What a feature's value did to the log-odds of fraud."""

    feature: str
    value: float | None
    """None if it was missing."""
    added: float
    """Positive towards fraud."""


class ModelScore(NamedTuple):
    """What a model says of an event."""

    ref: ModelRef
    score: float
    """The calibrated probability of fraud."""
    reasons: Sequence[Contribution] = ()
    """What did most towards it, the strongest first; none for events that are approved."""


class ModelOrigin(Enum):
    """Where a version comes from."""

    TRAINED = "trained"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """What is needed of a version to score by it."""

    ref: ModelRef
    described: str
    """What `ModelArtifact.described` returned, as JSON."""
    onnx: bytes
    booster: bytes = b""
    """XGBoost's own form; empty for one that was brought as ONNX."""
    valid_until: datetime | None = None
    """From then on rules decide without it."""
    most_missing: float = 1.0
    """Share of its features that may be missing: beyond it rules decide without it."""
