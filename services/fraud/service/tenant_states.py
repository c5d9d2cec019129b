"""Gathers what the decisions of a tenant go by, without waiting long for any of it."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from services.fraud.service.configuration import Configuration, Configurations
from services.fraud.service.value_lists.catalog import ListCatalog, TenantLists

__all__ = ["NO_LISTS", "TenantState", "TenantStates"]

LISTS_SECONDS = 0.3
"""For how long decisions wait for lists that are read for the first time: a full one takes seconds."""
NO_LISTS = TenantLists()


class TenantState(NamedTuple):
    """What the decisions of a tenant go by, in one state."""

    configuration: Configuration
    lists: TenantLists = NO_LISTS
    missing: tuple[str, ...] = ()
    """What could not be had in time, in the words of `Decided.degraded`."""


class TenantStates:
    """The states of tenants, at hand once they were asked for."""

    def __init__(self, configurations: Configurations, lists: ListCatalog) -> None:
        self.configurations = configurations
        self._lists = lists

    async def of(self, tenant_id: str) -> TenantState:
        """Raises MeshError UNAVAILABLE if the configuration, or the lists, are not known and cannot be read."""
        configuration, known = await self.configurations.of(tenant_id), self._lists.known(tenant_id)
        if known is not None:
            return TenantState(configuration, known)
        try:
            async with asyncio.timeout(LISTS_SECONDS):
                return TenantState(configuration, await self._lists.of(tenant_id))
        except TimeoutError:
            return TenantState(configuration, missing=("lists",))
