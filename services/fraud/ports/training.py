"""Ports of training: who does it, what it gathers, and what it stores."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from services.fraud.domain.scoring.model import ModelRef
from services.fraud.domain.scoring.settings import TrainingSettings
from services.fraud.domain.scoring.version import ModelOutcome

__all__ = [
    "CollectedRow",
    "MadeModel",
    "RowSink",
    "TrainingAttempts",
    "TrainingNews",
    "TrainingOrder",
    "TrainingRunner",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeModel:
    """A model as it is stored."""

    outcome: ModelOutcome
    described: str
    """What the model hangs on, as JSON."""
    onnx: bytes
    booster: bytes


class TrainingAttempts(Protocol):
    """What attempts at training store. Each names its token, which grows from attempt to attempt.

    Every method raises MeshError UNAVAILABLE during an outage.
    """

    async def begin(self, tenant_id: str, ref: ModelRef, token: int) -> bool:
        """Begins an attempt: from now on no earlier one stores anything. Returns False if the version is ready.

        Raises SupersededError, also if there is no such version any more.
        """
        ...

    async def finish(self, tenant_id: str, ref: ModelRef, token: int, made: MadeModel) -> None:
        """Stores the model, once. Raises SupersededError."""
        ...


class CollectedRow(NamedTuple):
    """A row to learn from or to measure on."""

    values: Sequence[float]
    """Of the features; NaN is missing."""
    known_ms: int | None
    """Since when it is known to be fraud, None if it is not."""
    time_ms: int
    entity: int
    """64-bit hash of whose event it was."""
    amount: float


class RowSink(Protocol):
    """Takes rows."""

    def add(self, rows: Sequence[CollectedRow]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOrder:
    """What one attempt at training is to do."""

    tenant_id: str
    ref: ModelRef
    event_type: str
    token: int
    """Greater than that of every attempt before."""
    settings: TrainingSettings


@dataclass(frozen=True, slots=True)
class TrainingNews:
    """How far an attempt is."""

    done: int
    total: int
    message: str


class TrainingRunner(Protocol):
    """Does attempts at training."""

    def run(self, order: TrainingOrder) -> AsyncGenerator[TrainingNews, None]:
        """Does an attempt; when the iterator ends, the model is stored. What is no longer iterated, stops.

        Raises TaskFailure and MeshError.
        """
        ...
