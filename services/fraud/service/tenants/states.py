"""Gathers what the decisions of a tenant go by, without waiting long for any of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from math import inf
from time import monotonic
from typing import NamedTuple

from meshkit.errors import deadline_exceeded
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.ports.scoring import Scorer
from services.fraud.service.tenants.configuration import Configuration, Configurations
from services.fraud.service.tenants.models import NO_MODELS, ModelCatalog
from services.fraud.service.value_lists.catalog import ListCatalog, TenantLists

__all__ = ["NO_LISTS", "TenantState", "TenantStates"]

LISTS_SECONDS = 0.3
"""For how long decisions wait for lists that are read for the first time: a full one takes seconds."""
MODELS_SECONDS = 0.5
"""For how long decisions wait for models that are loaded for the first time."""
NO_LISTS = TenantLists()


class TenantState(NamedTuple):
    """What the decisions of a tenant go by, in one state."""

    configuration: Configuration
    lists: TenantLists = NO_LISTS
    models: Mapping[ModelRef, Scorer] = NO_MODELS
    """Those of its scenarios that can be asked."""
    missing: tuple[str, ...] = ()
    """What could not be had in time, in the words of `Decided.degraded`."""


class TenantStates:
    """The states of tenants, at hand once they were asked for."""

    def __init__(self, configurations: Configurations, lists: ListCatalog, models: ModelCatalog) -> None:
        self.configurations = configurations
        self._lists = lists
        self._models = models

    async def of(self, tenant_id: str, seconds: float = inf) -> TenantState:
        """Returns the state within some seconds, without the lists if these take longer.

        Raises MeshError UNAVAILABLE if the configuration, or the lists, are not known and cannot be read, and
        DEADLINE_EXCEEDED if the configuration cannot be read in time.
        """
        known, end = self._lists.known(tenant_id), monotonic() + seconds
        if known is not None and self.configurations.knows(tenant_id):
            return await self._with_models(TenantState(await self.configurations.of(tenant_id), known), tenant_id, end)
        try:
            async with asyncio.timeout(seconds if seconds < inf else None):
                configuration = await self.configurations.of(tenant_id)
        except TimeoutError:
            raise deadline_exceeded() from None
        try:
            async with asyncio.timeout(min(LISTS_SECONDS, end - monotonic())):
                state = TenantState(configuration, await self._lists.of(tenant_id))
        except TimeoutError:
            state = TenantState(configuration, missing=("lists",))
        return await self._with_models(state, tenant_id, end)

    async def _with_models(self, state: TenantState, tenant_id: str, end: float) -> TenantState:
        """Adds the models that can be had in time. Without one rules decide, and say so."""
        refs = state.configuration.scenarios.models
        if not refs:
            return state
        if not self._models.knows(tenant_id, refs):
            with suppress(TimeoutError):
                async with asyncio.timeout(min(MODELS_SECONDS, end - monotonic())):
                    await self._models.of(tenant_id, refs)
        return state._replace(models=self._models.at_hand(tenant_id, refs))
