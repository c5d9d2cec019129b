"""Watches over cases while they wait: raises their priorities by age, and tells once of those that are overdue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from meshkit.errors import MeshError
from services.cases.domain.alerts import of_late_case
from services.cases.domain.levels import UrgencyLevel
from services.cases.ports import CaseWriter, TenantsWithCases
from services.cases.service.raising import AlertRaising
from services.cases.service.telling import case_told, cases_overdue, open_cases

__all__ = ["CaseKeeper"]

_log = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0
LATE_AT_ONCE = 100
"""Overdue cases of one transaction."""
AGED_AT_ONCE = 1_000
"""Cases of one transaction whose priorities are raised."""


class CaseKeeper:
    """A task of every replica; the one that leads works."""

    def __init__(
        self, tenants: TenantsWithCases, writer: CaseWriter, raising: AlertRaising, clock: Callable[[], datetime]
    ) -> None:
        self._tenants = tenants
        self._writer = writer
        self._raising = raising
        self._clock = clock

    async def keep(self, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Works until cancelled. Outages are waited out."""
        while True:
            try:
                await self.round()
            except MeshError as error:
                _log.warning("cases are not watched over: %s", error.message)
            await pause(PAUSE_SECONDS)

    async def round(self) -> None:
        """Looks at the cases of all tenants, and sees to those that it is time for.

        Tenants take turns, so that none waits for all that another one has to be done.
        """
        found = await self._tenants.watched(self._clock())
        for level in UrgencyLevel:
            open_cases.labels(level.word).set(found.open.get(level, 0))
        due = found.due
        while due:
            due = [tenant_id for tenant_id in due if await self._see_to(tenant_id)]

    async def _see_to(self, tenant_id: str) -> bool:
        """Does a part of what it is time for; True if there may be more. What fails is left for the next round."""
        try:
            late, aged = await self._late(tenant_id), await self._age(tenant_id)
        except MeshError as error:
            fields = {"tenant": tenant_id, "reason": error.reason}
            _log.warning("the cases of a tenant are not watched over", extra={"fields": fields})
            return False
        return late == LATE_AT_ONCE or aged == AGED_AT_ONCE

    async def _age(self, tenant_id: str) -> int:
        """Raises the priorities of cases that have waited, and returns of how many."""
        async with self._writer.begin(tenant_id) as changes:
            return await changes.age_cases(self._clock(), AGED_AT_ONCE)

    async def _late(self, tenant_id: str) -> int:
        """Tells of cases that are overdue, each in the commit that notes it, and returns how many there were."""
        now = self._clock()
        async with self._writer.begin(tenant_id) as changes:
            late = await changes.late_cases(now, LATE_AT_ONCE)
            for case in late:
                marked = case.changed(now, overdue=True)
                await changes.save_case(marked)
                await changes.record(case.case_id, "overdue", "", now, {})
                await changes.tell(case_told("overdue", marked, now))
                await self._raising.ask(changes, of_late_case(case.case_id), now, "A case was not closed in time.")
        cases_overdue.inc(len(late))
        return len(late)
