"""Makes rows of alerts and cases, and alerts and cases of rows."""

from __future__ import annotations

import json
from collections.abc import Sequence

import asyncpg

from services.cases.domain.alerts import AlertCause, AlertedEntity, AlertState, Evidence, RaisedFor, StoredAlert
from services.cases.domain.cases import CaseState, StoredCase
from services.cases.domain.levels import AGES, AmountSum, UrgencyLevel

__all__ = [
    "ALERT_COLUMNS",
    "CASE_COLUMNS",
    "EVIDENCE_COLUMNS",
    "aged_priority",
    "alert_of",
    "alert_row",
    "case_of",
    "case_row",
    "evidence_of",
    "evidence_row",
    "upsert",
]

ALERT_COLUMNS = (
    "alert_id", "cause", "subject", "entity_kind", "entity", "state", "severity", "score", "count", "amounts",
    "first_time", "last_time", "case_id", "words", "reason", "changed_by", "revision", "created_at", "updated_at",
)  # fmt: skip
CASE_COLUMNS = (
    "case_id", "entity_kind", "entity", "state", "assignee", "level", "priority", "score", "amounts", "money",
    "alert_count", "transaction_count", "disposition", "merged_into", "split_from", "overdue", "revision",
    "created_at", "updated_at", "due_at", "closed_at", "closing_as", "closing_until", "reopened_at",
)  # fmt: skip
EVIDENCE_COLUMNS = (
    "transaction_id", "decision_id", "user_id", "card", "amount_minor", "digits", "currency", "score", "score_source",
    "outcome", "risk_factors", "event_time", "decide_time", "label", "label_known",
)  # fmt: skip


def upsert(table: str, columns: Sequence[str]) -> str:
    """Returns the statement that stores a row of a tenant, be it new or not. The first column identifies it."""
    places = ", ".join(f"${at}" for at in range(1, len(columns) + 2))
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns[1:])
    return (
        f"INSERT INTO {table} (tenant_id, {', '.join(columns)}) VALUES ({places}) "
        f"ON CONFLICT (tenant_id, {columns[0]}) DO UPDATE SET {changes}"
    )


def aged_priority(first: int) -> str:
    """Returns the priority that a case has by its age, as SQL. From parameter `first` on: the times before `AGES`."""
    steps = "".join(f" + (coalesce(reopened_at, created_at) <= ${first + at})::int" for at in range(len(AGES)))
    return f"least({int(UrgencyLevel.URGENT)}, level{steps})"


def alert_row(alert: StoredAlert) -> Sequence[object]:
    """Returns the values of `ALERT_COLUMNS`."""
    (kind, entity), cause, subject = alert.raised_for
    return (
        alert.alert_id, cause.value, subject, kind, entity, alert.state.value, int(alert.severity), alert.score,
        alert.count, json.dumps(alert.amounts), alert.first_time, alert.last_time, alert.case_id, alert.words,
        alert.reason, alert.changed_by, alert.revision, alert.created_at, alert.updated_at,
    )  # fmt: skip


def alert_of(row: asyncpg.Record) -> StoredAlert:
    entity = AlertedEntity(row["entity_kind"], row["entity"])
    return StoredAlert(
        alert_id=str(row["alert_id"]),
        raised_for=RaisedFor(entity, AlertCause(row["cause"]), row["subject"]),
        state=AlertState(row["state"]),
        severity=UrgencyLevel(row["severity"]),
        score=row["score"],
        count=row["count"],
        amounts=_amounts(row["amounts"]),
        first_time=row["first_time"],
        last_time=row["last_time"],
        case_id=_text(row["case_id"]),
        words=row["words"],
        reason=row["reason"],
        changed_by=row["changed_by"],
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def case_row(case: StoredCase) -> Sequence[object]:
    """Returns the values of `CASE_COLUMNS`."""
    return (
        case.case_id, *case.entity, case.state.value, case.assignee, int(case.level), int(case.priority), case.score,
        json.dumps(case.amounts), case.money, case.alert_count, case.transaction_count, case.disposition,
        case.merged_into, case.split_from, case.overdue, case.revision, case.created_at, case.updated_at, case.due_at,
        case.closed_at, case.closing_as, case.closing_until, case.reopened_at,
    )  # fmt: skip


def case_of(row: asyncpg.Record) -> StoredCase:
    return StoredCase(
        case_id=str(row["case_id"]),
        entity=AlertedEntity(row["entity_kind"], row["entity"]),
        state=CaseState(row["state"]),
        assignee=row["assignee"],
        level=UrgencyLevel(row["level"]),
        priority=UrgencyLevel(row["priority"]),
        score=row["score"],
        amounts=_amounts(row["amounts"]),
        alert_count=row["alert_count"],
        transaction_count=row["transaction_count"],
        disposition=row["disposition"],
        merged_into=_text(row["merged_into"]),
        split_from=_text(row["split_from"]),
        overdue=row["overdue"],
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        due_at=row["due_at"],
        closed_at=row["closed_at"],
        closing_as=row["closing_as"],
        closing_until=row["closing_until"],
        reopened_at=row["reopened_at"],
    )


def evidence_row(evidence: Evidence) -> Sequence[object]:
    """Returns the values of `EVIDENCE_COLUMNS`."""
    return evidence._replace(risk_factors=list(evidence.risk_factors))  # type: ignore[arg-type]


def evidence_of(row: asyncpg.Record) -> Evidence:
    found = Evidence(*(row[name] for name in EVIDENCE_COLUMNS))
    return found._replace(risk_factors=tuple(found.risk_factors))


def _amounts(text: str) -> tuple[AmountSum, ...]:
    return tuple(AmountSum(*each) for each in json.loads(text))


def _text(found: object) -> str | None:
    return str(found) if found is not None else None
