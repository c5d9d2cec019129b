"""Raises alerts, one for each entity and cause while it is live, and opens their cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from meshkit.ids import uuid7_text
from services.cases.domain.alerts import (
    AlertCause,
    AlertedEntity,
    Evidence,
    RaisedFor,
    StoredAlert,
    entity_of,
    first_alert,
    with_evidence,
)
from services.cases.domain.cases import StoredCase, opened_case, weighed
from services.cases.domain.events import AskedEvent, DecidedEvent, EventOfFraud, LabelledEvent
from services.cases.ports import CaseChanges
from services.cases.service.telling import alert_told, alerts_raised, case_told

__all__ = ["AlertRaising"]


class AlertRaising:
    """What events and times do. Each effect is in the transaction that is given."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    async def take(self, changes: CaseChanges, event: EventOfFraud) -> None:
        """Lets an event of the fraud service take effect. One that did already has none."""
        match event:
            case DecidedEvent():
                await self._decided(changes, event)
            case LabelledEvent():
                await changes.label(event)
            case AskedEvent():
                await self.ask(changes, event.raised_for, event.decide_time, event.words)

    async def ask(self, changes: CaseChanges, raised_for: RaisedFor, at: datetime, words: str) -> None:
        """Raises an alert that is about no transaction; one more occurrence if it is live."""
        now, alert = self._clock(), await changes.live_alert(raised_for)
        if alert is not None and at <= alert.last_time:
            return
        raised = alert is None
        alert = alert or first_alert(uuid7_text(), raised_for, at, now, words)
        alert = alert.changed(now, count=alert.count + 1, last_time=max(at, alert.last_time), words=words)
        await changes.save_alert(alert)
        if raised:
            await self._tell(changes, alert, now)

    async def _decided(self, changes: CaseChanges, event: DecidedEvent) -> None:
        evidence, threshold = event.evidence, (await changes.settings()).threshold
        entity = entity_of(evidence)
        causes = [RaisedFor(entity, AlertCause.RULE, rule) for rule in event.rules]
        if evidence.score >= threshold:
            causes.insert(0, RaisedFor(entity, AlertCause.SCORE))
        new = [each for each in causes if not await changes.raised_before(evidence.transaction_id, each)]
        for each in new:
            await self._raise(changes, each, evidence)

    async def _raise(self, changes: CaseChanges, raised_for: RaisedFor, evidence: Evidence) -> None:
        now, alert = self._clock(), await changes.live_alert(raised_for)
        raised = alert is None
        alert = alert or first_alert(uuid7_text(), raised_for, evidence.event_time, now)
        case = await self._case(changes, alert, now)
        alert = replace(with_evidence(alert, evidence, now), case_id=case.case_id)
        await changes.save_alert(alert)
        await changes.add_evidence(alert.alert_id, evidence)
        await self.weigh(changes, case, now)
        if raised:
            details = {"alert_id": alert.alert_id, "cause": raised_for.cause.value}
            await changes.record(case.case_id, "alert_added", "", now, details)
            await self._tell(changes, alert, now)

    async def weigh(self, changes: CaseChanges, case: StoredCase, now: datetime) -> StoredCase:
        """Stores a case with what follows from its alerts."""
        alerts: Sequence[StoredAlert] = await changes.alerts_of(case.case_id)
        case = weighed(case, alerts, await changes.settings(), now)
        await changes.save_case(case)
        return case

    async def open(
        self, changes: CaseChanges, entity: AlertedEntity, now: datetime, actor: str = "", split_from: str | None = None
    ) -> StoredCase:
        """Opens a case."""
        case = opened_case(uuid7_text(), entity, await changes.settings(), now, split_from)
        await changes.save_case(case)
        details = {"split_from": split_from} if split_from else {}
        await changes.record(case.case_id, "opened", actor, now, details)
        await changes.tell(case_told("opened", case, now))
        return case

    async def _case(self, changes: CaseChanges, alert: StoredAlert, now: datetime) -> StoredCase:
        """Returns the case of an alert: its own, else the open one of its entity, else a new one."""
        if alert.case_id is not None:
            found = await changes.case(UUID(alert.case_id))
            assert found is not None, "a case with a live alert stays"
            return found
        entity = alert.raised_for.entity
        return await changes.open_case(entity) or await self.open(changes, entity, now)

    async def _tell(self, changes: CaseChanges, alert: StoredAlert, now: datetime) -> None:
        alerts_raised.labels(alert.raised_for.cause.value).inc()
        await changes.tell(alert_told("raised", alert, now))
