"""Renders what other services learn of a decision."""

from __future__ import annotations

from rampart.fraud.v1 import decision_pb2, event_pb2

from services.fraud.domain.check import Decided

__all__ = ["CARD", "decided_to_event"]

CARD = "card_fingerprint"
"""The field of an event that names a card."""


def decided_to_event(made: Decided, answer: decision_pb2.Decision) -> event_pb2.DecisionEvent:
    """Returns the event of a decision that was answered so."""
    check = made.check
    return event_pb2.DecisionEvent(
        tenant_id=check.tenant_id,
        decision_id=made.decision_id,
        transaction_id=check.transaction_id,
        user_id=check.user_id,
        merchant_id=check.merchant,
        amount_minor=check.amount_minor,
        currency_digits=check.currency_digits,
        currency=check.currency,
        channel=check.channel,
        outcome=answer.outcome,
        confidence_score=answer.confidence_score,
        event_time=answer.event_time,
        create_time=answer.create_time,
        event_type=check.event_type,
        risk_factors=[factor.code for factor in made.verdict.factors],
        alert_rules=made.judgement.alerts,
        card_fingerprint=str(check.fields.get(CARD, "")),
        score_source=answer.score_source,
    )
