"""Keeps the exchange rates of tenants at hand, so that decisions never wait for them twice."""

from __future__ import annotations

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
TENANTS = 10_000


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

    async def tables(self, tenants: Collection[str]) -> Mapping[str, RateTable]:
        """Returns the table of each tenant: the last one known, or an empty one, while the store cannot be read."""
        now = self._clock()
        missing = [tenant for tenant in tenants if tenant not in self._known or self._known[tenant].until <= now]
        if missing:
            await self._read(missing, now)
        return {tenant: self._known[tenant].table for tenant in tenants}

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
            for tenant in tenants:
                known = self._known.get(tenant)
                self._keep(tenant, _Known(known.table if known else RateTable(), now + RETRY_SECONDS))
            return
        for tenant in tenants:
            self._keep(tenant, _Known(RateTable(found.get(tenant, ())), now + FRESH_SECONDS))

    def _keep(self, tenant: str, known: _Known) -> None:
        self._known[tenant] = known
        self._known.move_to_end(tenant)
        while len(self._known) > TENANTS:
            self._known.popitem(last=False)
