"""A case: the alerts of one entity as one piece of work, and what may be done with it in which state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from services.cases.domain.alerts import AlertedEntity, StoredAlert
from services.cases.domain.levels import (
    AmountSum,
    CaseSettings,
    UrgencyLevel,
    at_stake,
    level_of,
    priority_at,
    summed,
)

__all__ = [
    "MERGED",
    "CaseDisposition",
    "CaseState",
    "CaseStepError",
    "StoredCase",
    "assigned_to",
    "begun_to_close",
    "closed_as",
    "merged_into",
    "opened_case",
    "reopened_for",
    "weighed",
]

MERGED = "merged"
"""Disposition of a case whose alerts another one has taken."""


class CaseState(Enum):
    """Where a case stands."""

    OPEN = "open"
    ASSIGNED = "assigned"
    CLOSED = "closed"


class CaseDisposition(Enum):
    """What became of a case."""

    FRAUD = "fraud"
    LEGITIMATE = "legitimate"
    FALSE_POSITIVE = "false_positive"
    CHARGEBACK = "chargeback"
    INCONCLUSIVE = "inconclusive"

    @property
    def label(self) -> str:
        """Returns the label of its transactions, empty if it says nothing of them."""
        return "" if self is CaseDisposition.INCONCLUSIVE else self.value


class CaseStepError(Exception):
    """A case is not in a state for what is asked."""

    def __init__(self, words: str, state: CaseState) -> None:
        super().__init__(words)
        self.words = words
        self.state = state


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCase:
    """A case as it is kept."""

    case_id: str
    entity: AlertedEntity
    state: CaseState = CaseState.OPEN
    assignee: str = ""
    level: UrgencyLevel = UrgencyLevel.LOW
    """By score and money."""
    priority: UrgencyLevel = UrgencyLevel.LOW
    """By level and age, as it was when that was last looked at."""
    score: float = 0.0
    amounts: tuple[AmountSum, ...] = ()
    alert_count: int = 0
    transaction_count: int = 0
    disposition: str = ""
    merged_into: str | None = None
    split_from: str | None = None
    overdue: bool = False
    revision: int = 1
    created_at: datetime
    updated_at: datetime
    due_at: datetime
    closed_at: datetime | None = None
    closing_as: str = ""
    """The disposition that somebody closes it with, while its labels are stored."""
    closing_until: datetime | None = None
    """When nobody does any more, whatever became of it."""
    reopened_at: datetime | None = None

    @property
    def waits_since(self) -> datetime:
        """Returns what its age and its time are counted from."""
        return self.reopened_at or self.created_at

    @property
    def money(self) -> int:
        """Returns what it is compared with others by."""
        return at_stake(self.amounts)

    def is_being_closed(self, now: datetime) -> bool:
        return self.closing_until is not None and self.closing_until > now

    def changed(self, now: datetime, **changes: object) -> StoredCase:
        """Returns the next state."""
        return replace(self, updated_at=now, revision=self.revision + 1, **changes)  # type: ignore[arg-type]


def opened_case(
    case_id: str, entity: AlertedEntity, settings: CaseSettings, now: datetime, split_from: str | None = None
) -> StoredCase:
    due = settings.due(UrgencyLevel.LOW, now)
    return StoredCase(case_id=case_id, entity=entity, created_at=now, updated_at=now, due_at=due, split_from=split_from)


def weighed(case: StoredCase, alerts: Sequence[StoredAlert], settings: CaseSettings, now: datetime) -> StoredCase:
    """Returns a case with what follows from its alerts. Dismissed ones are numbered with it and weigh nothing."""
    counting = [alert for alert in alerts if alert.state.counts]
    amounts = summed(amount for alert in counting for amount in alert.amounts)
    score = max((alert.score for alert in counting), default=0.0)
    level = level_of(score, amounts)
    return case.changed(
        now,
        score=score,
        amounts=amounts,
        level=level,
        priority=priority_at(level, case.waits_since, now),
        alert_count=len(alerts),
        transaction_count=sum(alert.count for alert in alerts),
        due_at=settings.due(level, case.waits_since),
    )


def assigned_to(case: StoredCase, assignee: str, now: datetime, *, seen: bool) -> StoredCase:
    """Returns a case with another assignee, none if that is empty. `seen` if the caller knows its present state.

    Raises CaseStepError for one that is closed, and for one that somebody else has, which is not known to the caller.
    """
    _must_be_live(case)
    if assignee == case.assignee:
        return case
    if case.assignee and not seen:
        raise CaseStepError("somebody works on the case: name its etag to assign it all the same", case.state)
    return case.changed(now, assignee=assignee, state=CaseState.ASSIGNED if assignee else CaseState.OPEN)


def closed_as(case: StoredCase, disposition: str, now: datetime, merged: str | None = None) -> StoredCase:
    """Raises CaseStepError for a case that was closed otherwise, or is about to be."""
    if case.state is CaseState.CLOSED and (case.disposition, case.merged_into) == (disposition, merged):
        return case
    _must_be_live(case)
    _must_not_be_closed_otherwise(case, disposition, now)
    state = CaseState.CLOSED
    return case.changed(
        now, state=state, disposition=disposition, merged_into=merged, closed_at=now, closing_as="", closing_until=None
    )


def begun_to_close(case: StoredCase, disposition: str, now: datetime, until: datetime) -> StoredCase:
    """Keeps others from closing a case otherwise until a time. It is the same case to whoever looks at it.

    Raises CaseStepError for a case that is closed, or is being closed otherwise.
    """
    _must_be_live(case)
    _must_not_be_closed_otherwise(case, disposition, now)
    return replace(case, closing_as=disposition, closing_until=until)


def _must_not_be_closed_otherwise(case: StoredCase, disposition: str, now: datetime) -> None:
    if case.closing_as != disposition and case.is_being_closed(now):
        raise CaseStepError(f"the case is being closed as {case.closing_as}", case.state)


def merged_into(case: StoredCase, other_id: str, now: datetime) -> StoredCase:
    """Raises CaseStepError for a case that was closed otherwise."""
    return closed_as(case, MERGED, now, other_id)


def reopened_for(case: StoredCase, assignee: str, settings: CaseSettings, now: datetime) -> StoredCase:
    """Returns a case that somebody takes up again, with as much time as a new one.

    Raises CaseStepError for a case that is not closed, and for one without alerts of its own.
    """
    if case.state is not CaseState.CLOSED:
        raise CaseStepError("the case is not closed", case.state)
    if case.merged_into is not None:
        raise CaseStepError("another case has taken the alerts of this one", case.state)
    return case.changed(
        now,
        state=CaseState.ASSIGNED,
        assignee=assignee,
        priority=case.level,
        disposition="",
        overdue=False,
        due_at=settings.due(case.level, now),
        closed_at=None,
        reopened_at=now,
    )


def _must_be_live(case: StoredCase) -> None:
    if case.state is CaseState.CLOSED:
        raise CaseStepError("the case is closed", case.state)
