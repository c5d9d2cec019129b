"""Renders what analysts are to be told of besides decisions, as events of the outbox."""

from __future__ import annotations

from datetime import datetime

from rampart.fraud.v1 import event_pb2

from meshkit.timestamps import time_to_proto
from services.fraud.domain.scenarios.publication import Transition
from services.fraud.domain.scoring.model import ModelRef

__all__ = ["drift_to_event", "transition_to_event"]

ALERT_ASKED = "alert.asked"
"""The type of such an event: no tenant can name one of its own so."""
BREAKER, DRIFT = "breaker", "drift"


def transition_to_event(tenant_id: str, transition: Transition) -> bytes:
    """Tells that the breaker has rolled a version back."""
    scenario_id, number = transition.ref
    words = f"Version {number} was rolled back: {transition.reason}"
    return _event(tenant_id, transition.at, event_pb2.AlertAsked(cause=BREAKER, subject=scenario_id, words=words))


def drift_to_event(tenant_id: str, ref: ModelRef, words: str, at: datetime) -> bytes:
    """Tells that a version of a model sees others than it has learned from."""
    asked = event_pb2.AlertAsked(cause=DRIFT, subject=ref.name, words=f"Version {ref.number} {words}")
    return _event(tenant_id, at, asked)


def _event(tenant_id: str, at: datetime, asked: event_pb2.AlertAsked) -> bytes:
    event = event_pb2.DecisionEvent(
        tenant_id=tenant_id, event_type=ALERT_ASKED, alert=asked, create_time=time_to_proto(at)
    )
    return event.SerializeToString()
