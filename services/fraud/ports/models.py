"""Ports of models: the versions of a tenant's models, what trains them, and what inspects those that are brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeAlias
from uuid import UUID

from meshkit.named_requests import Claims, Writer
from services.fraud.domain.scoring.model import ModelRef, ServedModel
from services.fraud.domain.scoring.version import FraudModel, ModelEnd, ModelOutcome, ModelUse, ModelVersion
from services.fraud.ports.features import UsingContent

__all__ = [
    "InspectedUpload",
    "InspectionOrder",
    "ModelChanges",
    "ModelInspector",
    "ModelReads",
    "ModelWriter",
    "NewImport",
    "ServedModels",
    "UploadSize",
]


class ServedModels(Protocol):
    """The versions that can be scored by."""

    async def served(self, tenant_id: str, ref: ModelRef) -> ServedModel | None:
        """Returns a version that is ready, None if there is none. Raises MeshError UNAVAILABLE during an outage."""
        ...

    async def use(self, tenant_id: str, ref: ModelRef) -> ModelUse | None:
        """Returns how a version may be used, None if there is none. Raises MeshError UNAVAILABLE during an outage."""
        ...


class ModelReads(Protocol):
    """The models of each tenant. Every method raises MeshError UNAVAILABLE during an outage."""

    async def model(self, tenant_id: str, name: str) -> FraudModel | None: ...

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[FraudModel]:
        """Returns at most `limit` models in the order of their names, from after one on."""
        ...

    async def version(self, tenant_id: str, ref: ModelRef) -> ModelVersion | None: ...

    async def versions(self, tenant_id: str, name: str, before: int, limit: int) -> Sequence[ModelVersion]:
        """Returns at most `limit` versions with smaller numbers, the greatest first."""
        ...

    async def onnx(self, tenant_id: str, ref: ModelRef, most: int) -> bytes | None:
        """Returns the model itself, None if it is not ready or larger than `most` bytes."""
        ...


class UploadSize(NamedTuple):
    """What there is of a file."""

    parts: int
    size: int


class ModelChanges(Claims, Protocol):
    """One transaction on the models of one tenant. Those of a tenant follow each other."""

    async def model(self, name: str) -> FraudModel | None: ...

    async def count(self) -> int:
        """Returns how many models there are."""
        ...

    async def create(self, model: FraudModel) -> FraudModel | None:
        """Returns the model as it is stored: its versions are numbered on from those of a deleted one of the name.

        None if there is one of the name.
        """
        ...

    async def save(self, model: FraudModel) -> None: ...

    async def delete(self, name: str) -> None:
        """Deletes a model with its versions and what was uploaded for it."""
        ...

    async def contents(self) -> Sequence[UsingContent]:
        """Returns what scenarios of the tenant say, in drafts and in versions at hand, until the end the same."""
        ...

    async def version(self, ref: ModelRef) -> ModelVersion | None: ...

    async def unfinished(self, name: str = "") -> Sequence[ModelVersion]:
        """Returns versions without a model that are not known to have ended, of one model or of all, newest first."""
        ...

    async def add_version(self, version: ModelVersion) -> None:
        """Adds a version that is to be trained. It is then the newest of its model."""
        ...

    async def add_inspected(self, version: ModelVersion, order: InspectionOrder) -> ModelOutcome | None:
        """Adds a version that an upload was found to be, whose parts go.

        Returns what it is, None if nothing was found by this order.
        """
        ...

    async def use(self, ref: ModelRef, use: ModelUse) -> None: ...

    async def end(self, ref: ModelRef, end: ModelEnd) -> None:
        """Notes how a training ended, of a version that is not ready."""
        ...

    async def stage(self, name: str, upload_id: UUID, part: int, data: bytes, author: str) -> UploadSize:
        """Keeps a part in the place of the one before it, if there is one. Returns what there is of the file."""
        ...

    async def waiting(self) -> int:
        """Returns how many parts are kept."""
        ...


ModelWriter: TypeAlias = Writer[ModelChanges]


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionOrder:
    """Which upload is to be inspected, and what it is said to be."""

    tenant_id: str
    name: str
    """Of the model."""
    upload_id: UUID
    size: int
    sha256: str
    format: str
    """"onnx", "xgboost" or empty."""
    features: tuple[str, ...]
    """Empty for those that the file names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewImport:
    """What is asked for."""

    order: InspectionOrder
    valid_until: datetime | None
    most_missing: float | None
    """None for as much as the model takes."""


class InspectedUpload(NamedTuple):
    """What an upload was found to be."""

    features: tuple[str, ...]
    takes_missing: bool


class ModelInspector(Protocol):
    """Inspects files, in a process of its own that stores what it finds."""

    async def inspect(self, order: InspectionOrder) -> InspectedUpload:
        """Raises VALIDATION_FAILED with the reason why a file is refused, STATE_NOT_ALLOWED if parts are missing, and
        MeshError UNAVAILABLE."""
        ...
