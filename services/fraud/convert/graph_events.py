"""Reads what an event of the outbox tells the graph."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

from rampart.fraud.v1 import event_pb2

__all__ = ["ToldOfGraph", "told_of_graph_from_record"]


class ToldOfGraph(NamedTuple):
    """Which decision an event of the outbox is about."""

    tenant_id: str
    decision_id: UUID | None
    """None if it is about none, or about one that is still waited for."""
    is_label: bool
    """True if it tells what became of the decision, false if it tells that there is one."""
    create_time: datetime


def told_of_graph_from_record(payload: bytes) -> ToldOfGraph:
    event = event_pb2.DecisionEvent.FromString(payload)
    is_label = event.HasField("label")
    decision_id = event.label.labelled_decision_id if is_label else event.decision_id
    return ToldOfGraph(
        event.tenant_id,
        UUID(decision_id) if decision_id else None,
        is_label,
        event.create_time.ToDatetime(UTC),
    )
