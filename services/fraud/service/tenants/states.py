"""Gathers what the decisions of a tenant go by, without waiting long for any of it."""

from __future__ import annotations

import asyncio
from math import inf
from time import monotonic
from typing import NamedTuple

from meshkit.errors import deadline_exceeded
from services.fraud.service.tenants.configuration import Configuration, Configurations
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

    async def of(self, tenant_id: str, seconds: float = inf) -> TenantState:
        """Returns the state within some seconds, without the lists if these take longer.

        Raises MeshError UNAVAILABLE if the configuration, or the lists, are not known and cannot be read, and
        DEADLINE_EXCEEDED if the configuration cannot be read in time.
        """
        known = self._lists.known(tenant_id)
        if known is not None and self.configurations.knows(tenant_id):
            return TenantState(await self.configurations.of(tenant_id), known)
        end = monotonic() + seconds
        try:
            async with asyncio.timeout(seconds if seconds < inf else None):
                configuration = await self.configurations.of(tenant_id)
        except TimeoutError:
            raise deadline_exceeded() from None
        try:
            async with asyncio.timeout(min(LISTS_SECONDS, end - monotonic())):
                return TenantState(configuration, await self._lists.of(tenant_id))
        except TimeoutError:
            return TenantState(configuration, missing=("lists",))
