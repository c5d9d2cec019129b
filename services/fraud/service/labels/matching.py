"""Keeps labels true to the decisions: a task of every replica, of which one does the work.

It finds the decisions of transactions that labels wait for, and tells the entity logs what they were not told when the
label was stored.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from prometheus_client import Counter

from meshkit.errors import MeshError
from services.fraud.ports import LogsUnavailableError
from services.fraud.ports.labels import UntoldLabels
from services.fraud.service.labels.telling import LabelTeller

__all__ = ["LabelKeeper"]

_log = logging.getLogger(__name__)
_matched = Counter("labels_matched", "Labels whose transactions came after them.")

ROUND_SECONDS = 2.0
AT_ONCE = 1_000
OWN_TIME = timedelta(seconds=10)
"""For so long whoever stored a label tells of it."""


class LabelKeeper:
    """Does one round after the other. What fails, for one tenant or for all, is met by the next round."""

    def __init__(
        self,
        untold: UntoldLabels,
        teller: LabelTeller,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        self._untold = untold
        self._teller = teller
        self._clock = clock
        self._round_seconds = round_seconds
        self._looked: dict[str, str] = {}
        """Up to which transaction was looked, of tenants with many that are waited for."""

    async def keep(self) -> None:
        """Works until cancelled."""
        while True:
            try:
                await self.round()
            except (LogsUnavailableError, MeshError) as error:
                _log.warning("labels cannot be kept: %s", error)
            await asyncio.sleep(self._round_seconds)

    async def round(self) -> None:
        """Raises LogsUnavailableError, and MeshError if nobody's labels can be looked for."""
        tenants = await self._untold.tenants()
        self._looked = {each: self._looked[each] for each in tenants if each in self._looked}
        for tenant_id in tenants:
            try:
                await self._keep_labels(tenant_id)
            except MeshError as error:
                fields = {"tenant": tenant_id}
                _log.warning("labels of a tenant cannot be kept: %s", error.message, extra={"fields": fields})

    async def _keep_labels(self, tenant_id: str) -> None:
        matched = await self._untold.match(tenant_id, self._looked.get(tenant_id, ""), AT_ONCE)
        self._looked[tenant_id] = matched.last
        _matched.inc(len(matched.labels))
        await self._teller.tell(tenant_id, matched.labels)
        before = self._clock() - OWN_TIME
        await self._teller.tell(tenant_id, await self._untold.untold(tenant_id, before, AT_ONCE))
