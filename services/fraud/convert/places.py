"""Converts places in the outbox and what follows them, what asks for decisions, and what watchers are told."""

from __future__ import annotations

import struct

from google.protobuf.message import DecodeError
from rampart.fraud.v1 import decision_pb2, event_pb2, fraud_service_pb2

from meshkit.continuations import Continuations
from services.fraud.convert.decision_events import CARD
from services.fraud.convert.events import fields_from_record
from services.fraud.domain.outbox import BEGINNING, OutboxPage, Place, StoredPage
from services.fraud.domain.watching import Selection, WatchEvent
from services.fraud.errors import position_invalid
from services.fraud.ports import DecisionFilter

__all__ = [
    "Positions",
    "decided_page_to_proto",
    "event_from_record",
    "filter_from_proto",
    "page_to_proto",
    "place_from_entry",
    "place_from_proto",
    "selection_from_proto",
    "watch_event_to_proto",
]

_PLACE = struct.Struct(">qq")
_ANY_WATCH = fraud_service_pb2.WatchDecisionsRequest()


def filter_from_proto(request: fraud_service_pb2.ListDecisionsRequest) -> DecisionFilter:
    return DecisionFilter(request.user_id, request.outcome, request.transaction_id)


def selection_from_proto(request: fraud_service_pb2.WatchDecisionsRequest) -> Selection:
    return Selection(frozenset(request.outcomes), request.user_id, request.min_confidence_score)


def watch_event_to_proto(event: WatchEvent, positions: Positions) -> fraud_service_pb2.WatchDecisionsResponse:
    response = fraud_service_pb2.WatchDecisionsResponse(position=positions.write(event.place))
    if event.row is not None:
        response.decision.ParseFromString(event.row.answer)
    return response


class Positions:
    """Places as the callers of a tenant see them, in 43 characters that say nothing of the cluster's transactions.

    A position is one of the tenant's commits, in their order, and so it is the same whatever a watcher selects.
    """

    def __init__(self, continuations: Continuations, tenant_id: str) -> None:
        self._continuations = continuations
        self._tenant_id = tenant_id

    def write(self, place: Place) -> str:
        return self._continuations.seal(self._tenant_id, _ANY_WATCH, _PLACE.pack(*place))

    def read(self, position: str) -> Place:
        """Reads a position that a caller sends back. Raises VALIDATION_FAILED for what this tenant was never told."""
        sealed = self._continuations.open(self._tenant_id, _ANY_WATCH, position)
        if sealed is None:
            raise position_invalid()
        return Place(*_PLACE.unpack(sealed))


def place_from_proto(message: event_pb2.OutboxPosition) -> Place:
    """Reads a place; an unset message is the beginning."""
    return Place(message.xid, message.seq)


def page_to_proto(page: OutboxPage, relay: str = "") -> event_pb2.EventBatch:
    return event_pb2.EventBatch(
        after=_place_to_proto(page.after),
        last=_place_to_proto(page.last),
        events=page.events,
        cluster=page.cluster,
        relay=relay,
    )


def event_from_record(tenant_id: str, fields: bytes, answer: bytes, inputs: bytes) -> bytes:
    """Makes the event of a decision again from what is stored of it."""
    decision, basis = decision_pb2.Decision.FromString(answer), decision_pb2.DecisionInputs.FromString(inputs)
    known = fields_from_record(fields)
    return event_pb2.DecisionEvent(
        tenant_id=tenant_id,
        decision_id=decision.decision_id,
        transaction_id=decision.transaction_id,
        user_id=decision.user_id,
        merchant_id=str(known.get("merchant_id", "")),
        amount_minor=basis.amount_minor,
        currency_digits=basis.currency_digits,
        currency=decision.currency,
        channel=basis.channel,
        outcome=decision.outcome,
        confidence_score=decision.confidence_score,
        event_time=decision.event_time,
        create_time=decision.create_time,
        event_type=decision.event_type,
        risk_factors=decision.risk_factors,
        alert_rules=basis.alert_rules,
        card_fingerprint=str(known.get(CARD, "")),
        score_source=decision.score_source,
    ).SerializeToString()


def decided_page_to_proto(page: StoredPage) -> fraud_service_pb2.ReadDecisionsResponse:
    tenant_id, decision_id = page.last or ("", "")
    return fraud_service_pb2.ReadDecisionsResponse(
        events=page.events,
        last_tenant_id=tenant_id,
        last_decision_id=decision_id,
        newest=_place_to_proto(page.newest),
        newest_event=page.proof.event,
        cluster=page.proof.cluster,
    )


def place_from_entry(data: bytes) -> Place:
    """Reads up to where an entry of the event stream goes; the beginning if the entry cannot be read."""
    try:
        return place_from_proto(event_pb2.EventBatch.FromString(data).last)
    except DecodeError:
        return BEGINNING


def _place_to_proto(place: Place) -> event_pb2.OutboxPosition | None:
    return event_pb2.OutboxPosition(xid=place.xid, seq=place.seq) if place > BEGINNING else None
