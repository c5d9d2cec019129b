"""Keeps models in memory: the twin of the adapters on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from meshkit.named_requests import Answered
from meshkit.storage.named_requests import MemoryClaims
from services.fraud.domain.scoring.model import ModelRef, ServedModel
from services.fraud.domain.scoring.version import FraudModel, ModelEnd, ModelOutcome, ModelUse, ModelVersion
from services.fraud.ports import UsingContent
from services.fraud.ports.backtests import SupersededError
from services.fraud.ports.models import InspectionOrder, ModelChanges, UploadSize
from services.fraud.ports.training import MadeModel

__all__ = ["MemoryModelChanges", "MemoryModelRows", "MemoryModelWriter", "MemoryModels", "MemoryTrainingAttempts"]

Place = tuple[str, ModelRef]


@dataclass
class MemoryModelRows:
    """What the others here share, as a database is."""

    models: dict[tuple[str, str], FraudModel] = field(default_factory=dict)
    numbers: dict[tuple[str, str], int] = field(default_factory=dict)
    versions: dict[Place, ModelVersion] = field(default_factory=dict)
    made: dict[Place, MadeModel] = field(default_factory=dict)
    tokens: dict[Place, int] = field(default_factory=dict)
    parts: dict[tuple[str, str, UUID], dict[int, bytes]] = field(default_factory=dict)
    inspected: dict[InspectionOrder, MadeModel] = field(default_factory=dict)
    contents: list[UsingContent] = field(default_factory=list)
    requests: dict[tuple[str, UUID], Answered] = field(default_factory=dict)

    def store(self, tenant_id: str, ref: ModelRef, made: MadeModel) -> None:
        place = tenant_id, ref
        self.made[place] = made
        ready_at = self.versions[place].ready_at or datetime.now(UTC)
        self.versions[place] = replace(self.versions[place], outcome=made.outcome, ready_at=ready_at, end=None)


class MemoryModels:
    """Implements `ModelReads`, `ServedModels` and `ModelInputs`."""

    def __init__(self, rows: MemoryModelRows) -> None:
        self._rows = rows

    async def model(self, tenant_id: str, name: str) -> FraudModel | None:
        return self._rows.models.get((tenant_id, name))

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[FraudModel]:
        models = sorted(self._rows.models.items())
        return [each for (owner, name), each in models if owner == tenant_id and name > after][:limit]

    async def version(self, tenant_id: str, ref: ModelRef) -> ModelVersion | None:
        return self._rows.versions.get((tenant_id, ref))

    async def versions(self, tenant_id: str, name: str, before: int, limit: int) -> Sequence[ModelVersion]:
        found = [
            each for (owner, ref), each in self._rows.versions.items()
            if owner == tenant_id and ref.name == name and ref.number < before
        ]  # fmt: skip
        return sorted(found, key=lambda each: -each.number)[:limit]

    async def onnx(self, tenant_id: str, ref: ModelRef, most: int) -> bytes | None:
        made = self._rows.made.get((tenant_id, ref))
        return made.onnx if made is not None and len(made.onnx) <= most else None

    async def served(self, tenant_id: str, ref: ModelRef) -> ServedModel | None:
        made, version = self._rows.made.get((tenant_id, ref)), self._rows.versions.get((tenant_id, ref))
        if made is None or version is None:
            return None
        use = version.use
        return ServedModel(
            ref=ref, described=made.described, onnx=made.onnx, booster=made.booster, valid_until=use.valid_until,
            most_missing=use.most_missing,
        )  # fmt: skip

    async def use(self, tenant_id: str, ref: ModelRef) -> ModelUse | None:
        version = self._rows.versions.get((tenant_id, ref)) if (tenant_id, ref) in self._rows.made else None
        return version.use if version is not None else None

    async def inputs(self, tenant_id: str, ref: ModelRef) -> Sequence[str] | None:
        made = self._rows.made.get((tenant_id, ref))
        return made.outcome.features if made is not None else None


class MemoryModelWriter:
    """Implements `ModelWriter`: one transaction at a time."""

    def __init__(self, rows: MemoryModelRows) -> None:
        self._rows = rows
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[ModelChanges]:
        async with self._lock:
            rows = self._rows
            parts = {place: dict(kept) for place, kept in rows.parts.items()}
            before = dict(rows.models), dict(rows.versions), dict(rows.made), parts
            requests = dict(rows.requests)
            try:
                yield MemoryModelChanges(rows, tenant_id)
            except BaseException:
                rows.models, rows.versions, rows.made, rows.parts = before
                rows.requests.clear()
                rows.requests.update(requests)
                raise


class MemoryModelChanges(MemoryClaims):
    """Implements `ModelChanges`."""

    def __init__(self, rows: MemoryModelRows, tenant_id: str) -> None:
        super().__init__(rows.requests, tenant_id)
        self._of = rows

    async def model(self, name: str) -> FraudModel | None:
        return self._of.models.get((self._tenant_id, name))

    async def count(self) -> int:
        return sum(owner == self._tenant_id for owner, _ in self._of.models)

    async def create(self, model: FraudModel) -> FraudModel | None:
        place = self._tenant_id, model.name
        made = replace(model, newest=self._of.numbers.get(place, 0))
        return made if self._of.models.setdefault(place, made) is made else None

    async def save(self, model: FraudModel) -> None:
        self._of.models[self._tenant_id, model.name] = model

    async def delete(self, name: str) -> None:
        self._of.numbers[self._tenant_id, name] = self._of.models.pop((self._tenant_id, name)).newest
        for place in [each for each in self._of.versions if (each[0], each[1].name) == (self._tenant_id, name)]:
            del self._of.versions[place]
            self._of.made.pop(place, None)
        self._of.parts = {each: kept for each, kept in self._of.parts.items() if each[:2] != (self._tenant_id, name)}

    async def contents(self) -> Sequence[UsingContent]:
        return self._of.contents

    async def version(self, ref: ModelRef) -> ModelVersion | None:
        return self._of.versions.get((self._tenant_id, ref))

    async def unfinished(self, name: str = "") -> Sequence[ModelVersion]:
        found = [
            each for (owner, ref), each in self._of.versions.items()
            if owner == self._tenant_id and name in ("", ref.name) and each.outcome is None
            and (each.end is None or each.end.state != "failed")
        ]  # fmt: skip
        return sorted(found, key=lambda each: each.created_at, reverse=True)

    async def add_version(self, version: ModelVersion) -> None:
        self._of.versions[self._tenant_id, version.ref] = version
        model = self._of.models[self._tenant_id, version.name]
        self._of.models[self._tenant_id, version.name] = replace(model, newest=version.number)

    async def add_inspected(self, version: ModelVersion, order: InspectionOrder) -> ModelOutcome | None:
        place = self._tenant_id, version.name, order.upload_id
        made = self._of.inspected.get(order)
        if made is None:
            return None
        await self.add_version(version)
        self._of.store(self._tenant_id, version.ref, made)
        self._of.parts.pop(place, None)
        return made.outcome

    async def use(self, ref: ModelRef, use: ModelUse) -> None:
        place = self._tenant_id, ref
        self._of.versions[place] = replace(self._of.versions[place], use=use)

    async def end(self, ref: ModelRef, end: ModelEnd) -> None:
        found = self._of.versions.get((self._tenant_id, ref))
        if found is not None and found.outcome is None:
            self._of.versions[self._tenant_id, ref] = replace(found, end=end)

    async def stage(self, name: str, upload_id: UUID, part: int, data: bytes, author: str) -> UploadSize:
        kept = self._of.parts.setdefault((self._tenant_id, name, upload_id), {})
        kept[part] = data
        return UploadSize(len(kept), sum(map(len, kept.values())))

    async def waiting(self) -> int:
        return sum(len(kept) for (owner, *_), kept in self._of.parts.items() if owner == self._tenant_id)


class MemoryTrainingAttempts:
    """Implements `TrainingAttempts`."""

    def __init__(self, rows: MemoryModelRows) -> None:
        self._rows = rows

    async def begin(self, tenant_id: str, ref: ModelRef, token: int) -> bool:
        version = self._rows.versions.get((tenant_id, ref))
        if version is not None and version.outcome is not None:
            return False
        if version is None or token < self._rows.tokens.get((tenant_id, ref), 0):
            raise SupersededError
        self._rows.tokens[tenant_id, ref] = token
        return True

    async def finish(self, tenant_id: str, ref: ModelRef, token: int, made: MadeModel) -> None:
        version = self._rows.versions.get((tenant_id, ref))
        if version is None or version.outcome is not None or self._rows.tokens.get((tenant_id, ref)) != token:
            raise SupersededError
        self._rows.store(tenant_id, ref, made)
