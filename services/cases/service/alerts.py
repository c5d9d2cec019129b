"""What analysts do with alerts, and when those are raised. The tenant is the verified caller's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from meshkit.preconditions import check_etag
from services.cases import errors
from services.cases.domain.alerts import AlertState, Evidence, StoredAlert
from services.cases.domain.levels import CaseSettings
from services.cases.ports import AlertFilter, CaseChanges, CaseReads, CaseWriter
from services.cases.service.closing import CaseClosing
from services.cases.service.telling import alert_told

__all__ = ["AlertDesk"]


class AlertDesk:
    """The use cases of alerts."""

    def __init__(
        self, reads: CaseReads, writer: CaseWriter, closing: CaseClosing, clock: Callable[[], datetime]
    ) -> None:
        self._reads = reads
        self._writer = writer
        self._closing = closing
        self._clock = clock

    async def get(self, tenant_id: str, alert_id: UUID) -> tuple[StoredAlert, Sequence[Evidence]]:
        """Raises RESOURCE_NOT_FOUND."""
        found = await self._reads.alert(tenant_id, alert_id)
        if found is None:
            raise errors.found_none("alert")
        return found, await self._reads.evidence(tenant_id, alert_id)

    async def page(
        self, tenant_id: str, only: AlertFilter, before: UUID | None, limit: int
    ) -> tuple[Sequence[StoredAlert], bool]:
        """Returns a page of at most `limit` alerts, newest first, and whether there are more."""
        found = await self._reads.alerts(tenant_id, only, before, limit + 1)
        return found[:limit], len(found) > limit

    async def acknowledge(self, tenant_id: str, alert_id: UUID, actor: str, etag: str) -> StoredAlert:
        """Raises RESOURCE_NOT_FOUND, STATE_NOT_ALLOWED and ETAG_MISMATCH."""
        return await self._move(tenant_id, alert_id, actor, etag, AlertState.ACKNOWLEDGED, "")

    async def dismiss(self, tenant_id: str, alert_id: UUID, actor: str, reason: str, etag: str) -> StoredAlert:
        """Raises RESOURCE_NOT_FOUND, STATE_NOT_ALLOWED and ETAG_MISMATCH."""
        return await self._move(tenant_id, alert_id, actor, etag, AlertState.DISMISSED, reason)

    async def dismiss_in(self, changes: CaseChanges, alert_id: UUID, actor: str, reason: str) -> StoredAlert:
        """Does the same in a transaction that is given, with an alert that has not ended."""
        found = await _alert_in_state(changes, alert_id)
        return await self._store(changes, found, AlertState.DISMISSED, actor, reason)

    async def settings(self, tenant_id: str) -> CaseSettings:
        return await self._reads.settings(tenant_id)

    async def set(self, tenant_id: str, wanted: Mapping[str, Any], etag: str) -> CaseSettings:
        """Changes settings. Raises ETAG_MISMATCH."""
        async with self._writer.begin(tenant_id) as changes:
            stored = await changes.settings()
            check_etag(etag, stored.revision)
            if replace(stored, **wanted) == stored and stored.revision:
                return stored
            changed = replace(stored, **wanted, revision=stored.revision + 1)
            await changes.save_settings(changed)
            return changed

    async def _move(
        self, tenant_id: str, alert_id: UUID, actor: str, etag: str, state: AlertState, reason: str
    ) -> StoredAlert:
        async with self._writer.begin(tenant_id) as changes:
            return await self._move_in(changes, alert_id, actor, etag, state, reason)

    async def _move_in(
        self, changes: CaseChanges, alert_id: UUID, actor: str, etag: str, state: AlertState, reason: str
    ) -> StoredAlert:
        found = await changes.alert(alert_id)
        if found is not None and found.state is state:
            return found
        found = await _alert_in_state(changes, alert_id, etag)
        return await self._store(changes, found, state, actor, reason)

    async def _store(
        self, changes: CaseChanges, found: StoredAlert, state: AlertState, actor: str, reason: str
    ) -> StoredAlert:
        now = self._clock()
        moved = found.changed(now, state=state, changed_by=actor, reason=reason)
        await changes.save_alert(moved)
        await changes.tell(alert_told(state.value, moved, now))
        if state is AlertState.DISMISSED and moved.case_id is not None:
            await self._closing.look_again(changes, UUID(moved.case_id), actor)
        return moved


async def _alert_in_state(changes: CaseChanges, alert_id: UUID, etag: str = "") -> StoredAlert:
    """Returns an alert that has not ended. Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH and STATE_NOT_ALLOWED."""
    found = await changes.alert(alert_id)
    if found is None:
        raise errors.found_none("alert")
    check_etag(etag, found.revision)
    if not found.state.live:
        raise errors.step_refused(f"the alert is {found.state.value}", found.state.value)
    return found
