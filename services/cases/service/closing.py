"""Ends cases: by what became of them, which their transactions are labelled with, or into other cases."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from meshkit.errors import MeshError
from meshkit.preconditions import check_etag
from services.cases import errors
from services.cases.domain.alerts import AlertState, StoredAlert, of_late_case
from services.cases.domain.cases import (
    CaseDisposition,
    CaseState,
    CaseStepError,
    StoredCase,
    begun_to_close,
    closed_as,
    merged_into,
)
from services.cases.ports import CaseChanges, CaseLabels, CaseWriter
from services.cases.service.cases import case_in_state, refused_step
from services.cases.service.raising import AlertRaising
from services.cases.service.telling import case_told

__all__ = ["CaseClosing"]

CLOSING = timedelta(seconds=30)
"""For so long at most one caller has its labels stored, and nobody else may say otherwise."""


class CaseClosing:
    """The use cases that end cases."""

    def __init__(
        self, writer: CaseWriter, labels: CaseLabels, raising: AlertRaising, clock: Callable[[], datetime]
    ) -> None:
        self._writer = writer
        self._labels = labels
        self._raising = raising
        self._clock = clock

    async def close(
        self, tenant_id: str, case_id: UUID, actor: str, disposition: CaseDisposition, chosen: Sequence[str], etag: str
    ) -> StoredCase:
        """Labels the chosen transactions, all that an alert counts for if none is chosen, and then closes the case.

        The labels are stored before, outside of any transaction, while nobody else may close the case otherwise: what
        fails in between is done again by the same request, whose labels say what is there already. Raises MeshError.
        """
        async with self._writer.begin(tenant_id) as changes:
            found = await case_in_state(changes, case_id)
            if _closed_so(found, disposition):
                return found
            begun = self._begun(found, disposition, etag)
            names = await _chosen(changes, found, chosen)
            await changes.save_case(begun)
        if disposition.label and names:
            await self._label(tenant_id, begun, names, disposition.label)
        async with self._writer.begin(tenant_id) as changes:
            now_found = await case_in_state(changes, case_id)
            if _closed_so(now_found, disposition):
                return now_found
            if _is_other(now_found, begun):
                raise errors.changed_meanwhile()
            if await _chosen(changes, now_found, chosen) == names:
                return await self._close(changes, now_found, actor, disposition, len(names))
            kept = replace(now_found, closing_as="", closing_until=None)
            await changes.save_case(kept)
            await self._leave_queue(changes, kept, actor)
        raise errors.changed_meanwhile()

    async def _label(self, tenant_id: str, begun: StoredCase, names: Sequence[str], label: str) -> None:
        try:
            await self._labels.store(names, label, f"case {begun.case_id}")
        except MeshError:
            async with self._writer.begin(tenant_id) as changes:
                found = await case_in_state(changes, UUID(begun.case_id))
                if found.closing_until == begun.closing_until:
                    await changes.save_case(replace(found, closing_as="", closing_until=None))
            raise

    def _begun(self, case: StoredCase, disposition: CaseDisposition, etag: str) -> StoredCase:
        check_etag(etag, case.revision)
        now = self._clock()
        try:
            return begun_to_close(case, disposition.value, now, now + CLOSING)
        except CaseStepError as error:
            raise refused_step(error) from None

    async def close_unlabelled(self, changes: CaseChanges, case_id: UUID, actor: str) -> StoredCase:
        """Closes a case of which nothing became known. Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        found, disposition = await case_in_state(changes, case_id), CaseDisposition.INCONCLUSIVE
        return found if _closed_so(found, disposition) else await self._close(changes, found, actor, disposition, 0)

    async def look_again(self, changes: CaseChanges, case_id: UUID, actor: str) -> None:
        """Weighs a case of which an alert was dismissed. It leaves the queue if that was the last to be looked at."""
        now = self._clock()
        found = await self._raising.weigh(changes, await case_in_state(changes, case_id), now)
        if found.overdue and found.due_at > now:
            found = found.changed(now, overdue=False)
            await changes.save_case(found)
            await _end_alerts(changes, [await changes.live_alert(of_late_case(found.case_id))], actor, now)
        await self._leave_queue(changes, found, actor)

    async def _leave_queue(self, changes: CaseChanges, case: StoredCase, actor: str) -> None:
        """Closes a case of the queue of which nothing is left to be looked at."""
        live = any(alert.state.live for alert in await changes.alerts_of(case.case_id))
        if case.state is CaseState.OPEN and not live and not case.is_being_closed(self._clock()):
            await self._close(changes, case, actor, CaseDisposition.INCONCLUSIVE, 0)

    async def merge(self, changes: CaseChanges, case_id: UUID, actor: str, other_id: UUID, etag: str) -> StoredCase:
        """Moves the alerts of another case to one. Raises MeshError."""
        if case_id == other_id:
            raise errors.field_invalid("other_case_id", "other_case_id.other", "must be another case")
        other, now = await case_in_state(changes, other_id), self._clock()
        case = await case_in_state(changes, case_id)
        if other.merged_into == case.case_id:
            return case
        check_etag(etag, case.revision)
        if case.state is CaseState.CLOSED:
            raise errors.step_refused("the case is closed", case.state.value)
        try:
            merged = merged_into(other, case.case_id, now)
        except CaseStepError as error:
            raise refused_step(error) from None
        for alert in await changes.alerts_of(other.case_id):
            await changes.save_alert(alert.changed(now, case_id=case.case_id))
        await _end_alerts(changes, await _alerts_of(changes, other), actor, now)
        await changes.save_case(merged)
        for each, told in ((merged, case), (case, merged)):
            await changes.record(each.case_id, "merged", actor, now, {"other_case_id": told.case_id})
        await changes.tell(case_told("merged", merged, now))
        return await self._raising.weigh(changes, case, now)

    async def split(
        self, changes: CaseChanges, case_id: UUID, actor: str, alert_ids: Collection[str], etag: str
    ) -> StoredCase:
        """Moves chosen alerts of a case to a new one, and returns that. Raises MeshError."""
        case, now = await case_in_state(changes, case_id, etag), self._clock()
        if case.state is CaseState.CLOSED:
            raise errors.step_refused("the case is closed", case.state.value)
        alerts = await changes.alerts_of(case.case_id)
        moving = [alert for alert in alerts if alert.alert_id in {str(UUID(each)) for each in alert_ids}]
        if len(moving) < len(alert_ids):
            raise errors.field_invalid("alert_ids", "alert_ids.of_case", "must be alerts of the case")
        if len(moving) == len(alerts):
            raise errors.field_invalid("alert_ids", "alert_ids.some", "must leave an alert in the case")
        new = await self._raising.open(changes, case.entity, now, actor, split_from=case.case_id)
        for alert in moving:
            await changes.save_alert(alert.changed(now, case_id=new.case_id))
        await changes.record(case.case_id, "split", actor, now, {"other_case_id": new.case_id})
        await self._raising.weigh(changes, case, now)
        return await self._raising.weigh(changes, new, now)

    async def _close(
        self, changes: CaseChanges, case: StoredCase, actor: str, disposition: CaseDisposition, labelled: int
    ) -> StoredCase:
        now = self._clock()
        try:
            closed = closed_as(case, disposition.value, now)
        except CaseStepError as error:
            raise refused_step(error) from None
        await _end_alerts(changes, await _alerts_of(changes, case), actor, now)
        await changes.save_case(closed)
        labels = labelled if disposition.label else 0
        details = {"disposition": disposition.value, "labels": str(labels)}
        await changes.record(case.case_id, "closed", actor, now, details)
        await changes.tell(case_told("closed", closed, now))
        return closed


async def _alerts_of(changes: CaseChanges, case: StoredCase) -> Sequence[StoredAlert | None]:
    """Returns the alerts of a case, and the one that says that it was not closed in time."""
    return *await changes.alerts_of(case.case_id), await changes.live_alert(of_late_case(case.case_id))


async def _end_alerts(changes: CaseChanges, alerts: Sequence[StoredAlert | None], actor: str, now: datetime) -> None:
    for alert in alerts:
        if alert is not None and alert.state.live:
            await changes.save_alert(alert.changed(now, state=AlertState.CLOSED, changed_by=actor))


def _closed_so(case: StoredCase, disposition: CaseDisposition) -> bool:
    return case.state is CaseState.CLOSED and case.disposition == disposition.value


def _is_other(case: StoredCase, begun: StoredCase) -> bool:
    """Tells whether something else has become of a case, or of its alerts, than was to be closed."""
    return (case.closing_as, case.alert_count, case.transaction_count) != (
        begun.closing_as,
        begun.alert_count,
        begun.transaction_count,
    )


async def _chosen(changes: CaseChanges, case: StoredCase, chosen: Sequence[str]) -> Sequence[str]:
    if not chosen:
        return await changes.transactions_of(case.case_id)
    there = set(await changes.transactions_of(case.case_id, dismissed=True))
    for at, each in enumerate(chosen):
        if each not in there:
            raise errors.field_invalid(f"transaction_ids[{at}]", "transaction_ids.of_case", "is not of the case")
    return chosen
