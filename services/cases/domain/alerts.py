"""An alert: what analysts are to be told of one entity for one cause, with all that came while it was live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from services.cases.domain.levels import AmountSum, UrgencyLevel, level_of, summed

__all__ = [
    "MOST_EVIDENCE",
    "AlertCause",
    "AlertState",
    "AlertedEntity",
    "Evidence",
    "RaisedFor",
    "StoredAlert",
    "entity_of",
    "first_alert",
    "of_late_case",
    "with_evidence",
]

MOST_EVIDENCE = 100
"""Transactions of an alert that are kept, the newest ones."""


class AlertCause(Enum):
    """Why an alert is raised."""

    SCORE = "score"
    RULE = "rule"
    BREAKER = "breaker"
    DRIFT = "drift"
    OVERDUE = "overdue"

    @property
    def of_transactions(self) -> bool:
        """Tells whether it is about somebody's transactions, and so belongs into a case."""
        return self in (AlertCause.SCORE, AlertCause.RULE)


class AlertState(Enum):
    """Where an alert stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    DISMISSED = "dismissed"
    CLOSED = "closed"
    """With its case."""

    @property
    def live(self) -> bool:
        """Tells whether it takes what comes."""
        return self in (AlertState.OPEN, AlertState.ACKNOWLEDGED)

    @property
    def counts(self) -> bool:
        """Tells whether it says something of its case: one that was wrong does not."""
        return self is not AlertState.DISMISSED


class AlertedEntity(NamedTuple):
    """Whom or what an alert is about."""

    kind: str
    """ "user", "card", "transaction", "case", "scenario" or "model"."""
    value: str


class RaisedFor(NamedTuple):
    """What an alert is told apart by while it is live."""

    entity: AlertedEntity
    cause: AlertCause
    subject: str = ""
    """What more there is of the cause: the identifier of the rule, or of the case."""


class Evidence(NamedTuple):
    """A transaction that an alert is raised for."""

    transaction_id: str
    decision_id: str
    user_id: str
    card: str
    amount_minor: int
    digits: int
    currency: str
    score: float
    score_source: str
    outcome: str
    risk_factors: tuple[str, ...]
    event_time: datetime
    decide_time: datetime
    label: str = ""
    label_known: datetime | None = None

    @property
    def amounts(self) -> tuple[AmountSum, ...]:
        return (AmountSum(self.currency, self.amount_minor, self.digits),) if self.currency else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlert:
    """An alert as it is kept."""

    alert_id: str
    raised_for: RaisedFor
    state: AlertState = AlertState.OPEN
    severity: UrgencyLevel
    score: float = 0.0
    count: int = 0
    amounts: tuple[AmountSum, ...] = ()
    first_time: datetime
    last_time: datetime
    case_id: str | None = None
    words: str = ""
    reason: str = ""
    changed_by: str = ""
    revision: int = 1
    created_at: datetime
    updated_at: datetime

    def changed(self, now: datetime, **changes: object) -> StoredAlert:
        """Returns the next state."""
        return replace(self, updated_at=now, revision=self.revision + 1, **changes)  # type: ignore[arg-type]


def entity_of(evidence: Evidence) -> AlertedEntity:
    """Returns whom a transaction is about: the user, else the card, else itself."""
    if evidence.user_id:
        return AlertedEntity("user", evidence.user_id)
    if evidence.card:
        return AlertedEntity("card", evidence.card)
    return AlertedEntity("transaction", evidence.transaction_id)


def of_late_case(case_id: str) -> RaisedFor:
    """Returns what is raised for a case that was not closed in time."""
    return RaisedFor(AlertedEntity("case", case_id), AlertCause.OVERDUE, case_id)


def first_alert(alert_id: str, raised_for: RaisedFor, at: datetime, now: datetime, words: str = "") -> StoredAlert:
    """Returns an alert that nothing has occurred for yet, of what happened `at` a time."""
    return StoredAlert(
        alert_id=alert_id,
        raised_for=raised_for,
        severity=UrgencyLevel.LOW if raised_for.cause.of_transactions else UrgencyLevel.HIGH,
        first_time=at,
        last_time=at,
        words=words,
        created_at=now,
        updated_at=now,
    )


def with_evidence(alert: StoredAlert, evidence: Evidence, now: datetime) -> StoredAlert:
    """Returns an alert after one more transaction."""
    amounts, score = summed((*alert.amounts, *evidence.amounts)), max(alert.score, evidence.score)
    return alert.changed(
        now,
        count=alert.count + 1,
        score=score,
        amounts=amounts,
        severity=level_of(score, amounts),
        first_time=min(alert.first_time, evidence.event_time),
        last_time=max(alert.last_time, evidence.event_time),
    )
