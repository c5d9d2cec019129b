"""Converts alerts and settings. Whoever may not see personal data sees it masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rampart.cases.v1 import alert_pb2
from rampart.cases.v1 import alert_service_pb2 as pb

from meshkit.preconditions import etag_from_revision
from meshkit.timestamps import time_to_proto
from services.cases.convert.parts import amounts_to_proto, personal_to_proto
from services.cases.domain.alerts import AlertCause, AlertState, Evidence, StoredAlert
from services.cases.domain.levels import CaseSettings, UrgencyLevel
from services.cases.ports import AlertFilter

__all__ = [
    "alert_filter_from_proto",
    "alert_settings_to_proto",
    "alert_to_proto",
    "evidence_to_proto",
    "settings_changes_from_proto",
]

IMPERSONAL = frozenset({"case", "scenario", "model"})
"""Kinds of entities that are nobody."""
_SETTINGS = ("threshold", "urgent_hours", "high_hours", "normal_hours", "low_hours")


def alert_to_proto(alert: StoredAlert, evidence: Iterable[Evidence] = (), *, pii: bool) -> alert_pb2.Alert:
    (kind, entity), cause, subject = alert.raised_for
    return alert_pb2.Alert(
        alert_id=alert.alert_id,
        cause=cause.value,
        subject=subject,
        entity_kind=kind,
        entity=personal_to_proto(entity, not pii and kind not in IMPERSONAL),
        state=alert.state.value,
        severity=alert.severity.word,
        score=alert.score,
        count=alert.count,
        amounts=amounts_to_proto(alert.amounts),
        first_time=time_to_proto(alert.first_time),
        last_time=time_to_proto(alert.last_time),
        case_id=alert.case_id or "",
        words=alert.words,
        reason=alert.reason,
        changed_by=alert.changed_by,
        etag=etag_from_revision(alert.revision),
        create_time=time_to_proto(alert.created_at),
        update_time=time_to_proto(alert.updated_at),
        transactions=[evidence_to_proto(each, pii=pii) for each in evidence],
    )


def evidence_to_proto(evidence: Evidence, *, pii: bool) -> alert_pb2.AlertTransaction:
    message = alert_pb2.AlertTransaction(
        transaction_id=evidence.transaction_id,
        decision_id=evidence.decision_id,
        user_id=personal_to_proto(evidence.user_id, not pii),
        card_fingerprint=personal_to_proto(evidence.card, not pii),
        amount=evidence.amount_minor / 10**evidence.digits,
        currency=evidence.currency,
        score=evidence.score,
        outcome=evidence.outcome,
        risk_factors=evidence.risk_factors,
        event_time=time_to_proto(evidence.event_time),
        decide_time=time_to_proto(evidence.decide_time),
        label=evidence.label,
        score_source=evidence.score_source,
    )
    if evidence.label_known is not None:
        message.label_known_time.CopyFrom(time_to_proto(evidence.label_known))
    return message


def alert_filter_from_proto(request: pb.ListAlertsRequest) -> AlertFilter:
    return AlertFilter(
        state=AlertState(request.state) if request.state else None,
        cause=AlertCause(request.cause) if request.cause else None,
        entity_kind=request.entity_kind,
        entity=request.entity,
        severity=UrgencyLevel.of(request.min_severity or "low"),
        case_id=request.case_id,
    )


def alert_settings_to_proto(settings: CaseSettings) -> alert_pb2.AlertSettings:
    values = {name: getattr(settings, name) for name in _SETTINGS}
    return alert_pb2.AlertSettings(**values, etag=etag_from_revision(settings.revision))


def settings_changes_from_proto(request: pb.UpdateAlertSettingsRequest) -> Mapping[str, Any]:
    """Returns what is to change, by name."""
    return {name: getattr(request, name) for name in _SETTINGS if request.HasField(name)}
