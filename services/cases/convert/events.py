"""Converts events: of the fraud service as they are followed, and our own as they leave."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from rampart.cases.v1 import case_pb2
from rampart.fraud.v1 import event_pb2

from meshkit.timestamps import time_to_proto
from services.cases.domain.alerts import AlertCause, AlertedEntity, Evidence, RaisedFor
from services.cases.domain.events import AskedEvent, DecidedEvent, EventOfFraud, LabelledEvent
from services.cases.domain.levels import LEAST_THRESHOLD
from services.cases.ports import CaseTold

__all__ = ["event_of_fraud_from_proto", "told_to_event"]

LABEL_RECORDED = "label.recorded"
ALERT_ASKED = "alert.asked"
KIND_OF_CAUSE = {AlertCause.BREAKER: "scenario", AlertCause.DRIFT: "model"}
_MOST_DIGITS = 4
_EARLIEST = 946_684_800
"""2000-01-01T00:00:00Z: what the contract of the fraud service takes at the earliest."""


def event_of_fraud_from_proto(event: event_pb2.DecisionEvent) -> EventOfFraud | None:
    """Returns what an event may have for an effect, None if nothing.

    Raises ValueError and OverflowError for one that cannot be true.
    """
    if event.event_type == LABEL_RECORDED:
        return _label(event)
    if event.event_type == ALERT_ASKED:
        return _asked(event)
    if event.confidence_score < LEAST_THRESHOLD and not event.alert_rules:
        return None
    return DecidedEvent(str(UUID(event.tenant_id)), _evidence(event), tuple(event.alert_rules))


def _evidence(event: event_pb2.DecisionEvent) -> Evidence:
    if not event.transaction_id or not event.HasField("event_time") or not event.HasField("create_time"):
        raise ValueError("a required field is not set")
    if event.currency_digits > _MOST_DIGITS:
        raise ValueError("no currency has that many digits")
    if event.event_time.seconds < _EARLIEST:
        raise ValueError("the event is from before the year 2000")
    return Evidence(
        transaction_id=event.transaction_id,
        decision_id=event.decision_id,
        user_id=event.user_id,
        card=event.card_fingerprint,
        amount_minor=event.amount_minor,
        digits=event.currency_digits,
        currency=event.currency,
        score=event.confidence_score,
        score_source=event.score_source,
        outcome=event.outcome,
        risk_factors=tuple(event.risk_factors),
        event_time=event.event_time.ToDatetime(UTC),
        decide_time=event.create_time.ToDatetime(UTC),
    )


def _label(event: event_pb2.DecisionEvent) -> LabelledEvent:
    if not event.transaction_id:
        raise ValueError("a required field is not set")
    tenant_id, label = str(UUID(event.tenant_id)), event.label
    return LabelledEvent(
        tenant_id, _time(event.create_time), event.transaction_id, label.label, _time(label.known_time)
    )


def _asked(event: event_pb2.DecisionEvent) -> AskedEvent:
    cause = AlertCause(event.alert.cause)
    if cause not in KIND_OF_CAUSE or not event.alert.subject:
        raise ValueError("analysts are not told of that")
    entity = AlertedEntity(KIND_OF_CAUSE[cause], event.alert.subject)
    raised_for = RaisedFor(entity, cause)
    return AskedEvent(str(UUID(event.tenant_id)), _time(event.create_time), raised_for, event.alert.words)


def _time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(UTC)


def told_to_event(tenant_id: str, told: CaseTold) -> bytes:
    """Returns what the other services learn."""
    event = case_pb2.CaseEvent(
        tenant_id=tenant_id,
        event_type=told.event_type,
        alert_id=told.alert_id,
        case_id=told.case_id,
        state=told.state,
        what=told.what,
        create_time=time_to_proto(told.at),
    )
    return event.SerializeToString()
