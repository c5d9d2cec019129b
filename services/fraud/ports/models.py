"""Ports of models: the versions of a tenant's models."""

from __future__ import annotations

from typing import Protocol

from services.fraud.domain.scoring.model import ModelRef, ServedModel

__all__ = ["ServedModels"]


class ServedModels(Protocol):
    """The versions that can be scored by."""

    async def served(self, tenant_id: str, ref: ModelRef) -> ServedModel | None:
        """Returns a version that is ready, None if there is none. Raises MeshError UNAVAILABLE during an outage."""
        ...
