"""Renders what analysts are to be told of besides decisions, as events of the outbox."""

from __future__ import annotations

from datetime import UTC

from rampart.fraud.v1 import event_pb2

from services.fraud.domain.scenarios.publication import Transition

__all__ = ["asked_event_from_transition"]

ALERT_ASKED = "alert.asked"
"""The type of such an event: no tenant can name one of its own so."""
BREAKER = "breaker"


def asked_event_from_transition(tenant_id: str, transition: Transition) -> bytes:
    """Tells that the breaker has rolled a version back."""
    scenario_id, number = transition.ref
    event = event_pb2.DecisionEvent(
        tenant_id=tenant_id,
        event_type=ALERT_ASKED,
        alert=event_pb2.AlertAsked(
            cause=BREAKER,
            subject=scenario_id,
            words=f"Version {number} was rolled back: {transition.reason}",
        ),
    )
    event.create_time.FromDatetime(transition.at.astimezone(UTC))
    return event.SerializeToString()
