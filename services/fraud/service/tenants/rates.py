"""Keeps the exchange rates of tenants at hand, so that decisions never wait for them twice."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from meshkit.errors import MeshError
from meshkit.preconditions import etag_mismatch
from services.fraud.domain.rates import DatedRate, RateTable
from services.fraud.ports import Admits, RateStore

__all__ = ["ExchangeRates"]

_log = logging.getLogger(__name__)

FRESH_SECONDS = 20.0
RETRY_SECONDS = 1.0
READ_SECONDS = 0.25
"""For how long decisions wait for rates."""
TENANTS = 10_000
_NONE = RateTable()


class _Known(NamedTuple):
    table: RateTable
    until: float
    """When it is read again, on the monotonic clock."""


class ExchangeRates:
    """The rates of all tenants. What another process replaces is seen after 20 seconds at most."""

    def __init__(self, store: RateStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def tables(self, tenants: Collection[str], seconds: float = READ_SECONDS) -> Mapping[str, RateTable]:
        """Returns the table of each tenant: the last one known, or an empty one, while the store cannot be read.

        It waits for it for some seconds, and never long.
        """
        now = self._clock()
        missing = [tenant for tenant in tenants if tenant not in self._known or self._known[tenant].until <= now]
        if missing:
            try:
                async with asyncio.timeout(min(seconds, READ_SECONDS)):
                    await self._read(missing, now)
            except TimeoutError:
                _log.warning("exchange rates were not read in time")
                if seconds >= READ_SECONDS:
                    self._leave(missing, now)
        return {tenant: self._known[tenant].table if tenant in self._known else _NONE for tenant in tenants}

    async def get(self, tenant_id: str) -> Sequence[DatedRate]:
        """Returns what is stored. Raises MeshError UNAVAILABLE."""
        return (await self._store.read([tenant_id])).get(tenant_id, ())

    async def replace(self, tenant_id: str, rates: Sequence[DatedRate], admits: Admits | None = None) -> None:
        """Stores the rates in place of those there are. Raises ETAG_MISMATCH and UNAVAILABLE."""
        if not await self._store.replace(tenant_id, rates, admits):
            raise etag_mismatch()
        self._known.pop(tenant_id, None)

    async def _read(self, tenants: Collection[str], now: float) -> None:
        try:
            found = await self._store.read(tenants)
        except MeshError as error:
            _log.warning("exchange rates cannot be read: %s", error.message)
            self._leave(tenants, now)
            return
        for tenant in tenants:
            self._keep(tenant, _Known(RateTable(found.get(tenant, ())), now + FRESH_SECONDS))

    def _leave(self, tenants: Collection[str], now: float) -> None:
        """Goes on with what is known, and asks again a little later."""
        for tenant in tenants:
            known = self._known.get(tenant)
            self._keep(tenant, _Known(known.table if known else _NONE, now + RETRY_SECONDS))

    def _keep(self, tenant: str, known: _Known) -> None:
        self._known[tenant] = known
        self._known.move_to_end(tenant)
        while len(self._known) > TENANTS:
            self._known.popitem(last=False)
