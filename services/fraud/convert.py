"""Converts between protobuf messages and the domain of the fraud service. Pure."""

from __future__ import annotations

import base64
import struct
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp
from rampart.fraud.v1 import decision_pb2, event_pb2, fraud_service_pb2

from meshkit.context import Principal
from services.fraud.domain import features as feature_list
from services.fraud.domain.check import Check, Decided
from services.fraud.domain.money import digits_of, to_minor
from services.fraud.domain.outbox import BEGINNING, OutboxPage, Place
from services.fraud.domain.rules import VERSION, Facts, Profile
from services.fraud.domain.verdict import DECLINE
from services.fraud.domain.watching import Selection, WatchEvent
from services.fraud.errors import amount_too_precise, event_time_impossible, position_invalid
from services.fraud.ports import DecisionFilter

__all__ = [
    "DecisionRecord",
    "check_from_proto",
    "decided_to_record",
    "facts_from_proto",
    "filter_from_proto",
    "page_to_proto",
    "place_from_entry",
    "place_from_proto",
    "place_from_token",
    "place_to_token",
    "selection_from_proto",
    "stored_to_proto",
    "watch_event_to_proto",
]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOKEN = struct.Struct(">qq")


class DecisionRecord(NamedTuple):
    """A decision as it is answered, stored and published: serialised messages."""

    answer: bytes
    """`Decision`."""
    inputs: bytes
    """`DecisionInputs`."""
    event: bytes
    """`DecisionEvent`."""


def check_from_proto(request: fraud_service_pb2.CheckFraudRequest, principal: Principal, transaction_id: str) -> Check:
    """Completes a valid request with the tenant's defaults. Raises VALIDATION_FAILED for an amount too precise."""
    currency = request.currency or principal.currency
    digits = digits_of(currency)
    amount_minor = to_minor(request.transaction_amount, digits)
    if amount_minor is None:
        raise amount_too_precise(currency, digits)
    return Check(
        tenant_id=principal.tenant_id,
        transaction_id=transaction_id,
        fingerprint=blake2b(request.SerializeToString(deterministic=True), digest_size=16).digest(),
        user_id=request.user_id,
        device=request.device_fingerprint,
        ip=request.ip_address,
        merchant=request.merchant_id,
        amount=request.transaction_amount,
        amount_minor=amount_minor,
        currency=currency,
        currency_digits=digits,
        channel=request.channel or "online",
        event_time=_event_time(request),
    )


def _event_time(request: fraud_service_pb2.CheckFraudRequest) -> datetime | None:
    if not request.HasField("event_time"):
        return None
    try:
        when = request.event_time.ToDatetime(UTC)
    except (ValueError, OverflowError):
        raise event_time_impossible() from None
    # Windows count in milliseconds, so decisions do as well, whichever way their features were read.
    return when.replace(microsecond=when.microsecond // 1000 * 1000)


def decided_to_record(made: Decided) -> DecisionRecord:
    """Renders a decision once for its answer, its row and its event."""
    event_time, create_time = _timestamp_to_proto(made.features.event_time), _timestamp_to_proto(made.create_time)
    return DecisionRecord(
        _answer_to_proto(made, event_time, create_time).SerializeToString(),
        _inputs_to_proto(made).SerializeToString(),
        _event_to_proto(made, event_time, create_time).SerializeToString(),
    )


def _answer_to_proto(made: Decided, event_time: Timestamp, create_time: Timestamp) -> decision_pb2.Decision:
    check, verdict = made.check, made.verdict
    return decision_pb2.Decision(
        is_fraudulent=verdict.outcome == DECLINE,
        confidence_score=verdict.score,
        risk_factors=[factor.code for factor in verdict.factors],
        decision_id=made.decision_id,
        outcome=verdict.outcome,
        degraded=made.degraded,
        explanations=[
            decision_pb2.Explanation(reason_code=factor.code, message=factor.message, contribution=factor.contribution)
            for factor in verdict.factors
        ],
        score_source="rules",
        transaction_id=check.transaction_id,
        user_id=check.user_id,
        transaction_amount=check.amount,
        currency=check.currency,
        event_time=event_time,
        create_time=create_time,
        rules_version=VERSION,
    )


def _event_to_proto(made: Decided, event_time: Timestamp, create_time: Timestamp) -> event_pb2.DecisionEvent:
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
        outcome=made.verdict.outcome,
        confidence_score=made.verdict.score,
        event_time=event_time,
        create_time=create_time,
    )


def _inputs_to_proto(made: Decided) -> decision_pb2.DecisionInputs:
    facts = made.facts
    inputs = decision_pb2.DecisionInputs(
        channel=facts.channel,
        amount_minor=facts.amount_minor,
        currency_digits=facts.currency_digits,
        degraded=made.degraded,
        vector=decision_pb2.FeatureVector(version=feature_list.VERSION, values=made.features.values),
    )
    if facts.profile is not None:
        inputs.user_known = facts.profile.known
        inputs.user_base_risk = facts.profile.base_risk
        inputs.user_tier = facts.profile.tier
        inputs.user_chargeback_count = facts.profile.chargeback_count
    return inputs


def facts_from_proto(inputs: decision_pb2.DecisionInputs) -> Facts:
    """Reads back what a decision was computed from."""
    profile = None
    if inputs.user_tier:
        profile = Profile(inputs.user_known, inputs.user_base_risk, inputs.user_tier, inputs.user_chargeback_count)
    return Facts(
        amount_minor=inputs.amount_minor,
        currency_digits=inputs.currency_digits,
        channel=inputs.channel,
        features=feature_list.by_name(inputs.vector.values),
        profile=profile,
    )


def stored_to_proto(answer: bytes, inputs: bytes) -> decision_pb2.Decision:
    """Returns a stored decision together with its inputs, the features under their names."""
    decision = decision_pb2.Decision.FromString(answer)
    decision.inputs.ParseFromString(inputs)
    for name, value in feature_list.by_name(decision.inputs.vector.values).items():
        decision.inputs.features[name] = value
    decision.inputs.ClearField("vector")
    return decision


def filter_from_proto(request: fraud_service_pb2.ListDecisionsRequest) -> DecisionFilter:
    return DecisionFilter(request.user_id, request.outcome, request.transaction_id)


def selection_from_proto(request: fraud_service_pb2.WatchDecisionsRequest) -> Selection:
    return Selection(frozenset(request.outcomes), request.user_id, request.min_confidence_score)


def watch_event_to_proto(event: WatchEvent) -> fraud_service_pb2.WatchDecisionsResponse:
    response = fraud_service_pb2.WatchDecisionsResponse(position=place_to_token(event.place))
    if event.row is not None:
        response.decision.ParseFromString(event.row.answer)
    return response


def place_to_token(place: Place) -> str:
    """Returns a place as callers see it, opaque: 22 characters of base64url (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(_TOKEN.pack(*place)).decode().rstrip("=")


def place_from_token(token: str) -> Place:
    """Reads a place that a caller sends back. Raises VALIDATION_FAILED for what `place_to_token` does not return."""
    try:
        place = Place(*_TOKEN.unpack(base64.urlsafe_b64decode(token + "==")))
    except (ValueError, struct.error):
        raise position_invalid() from None
    if min(place) < 0 or place_to_token(place) != token:
        raise position_invalid()
    return place


def place_from_proto(message: event_pb2.OutboxPosition) -> Place:
    """Reads a place; an unset message is the beginning."""
    return Place(message.xid, message.seq)


def page_to_proto(page: OutboxPage) -> event_pb2.EventBatch:
    return event_pb2.EventBatch(after=_place_to_proto(page.after), last=_place_to_proto(page.last), events=page.events)


def place_from_entry(data: bytes) -> Place:
    """Reads up to where an entry of the event stream goes; the beginning if the entry cannot be read."""
    try:
        return place_from_proto(event_pb2.EventBatch.FromString(data).last)
    except DecodeError:
        return BEGINNING


def _place_to_proto(place: Place) -> event_pb2.OutboxPosition | None:
    return event_pb2.OutboxPosition(xid=place.xid, seq=place.seq) if place > BEGINNING else None


def _timestamp_to_proto(when: datetime) -> Timestamp:
    # `Timestamp.FromDatetime` does the same in ten times the time.
    since = when - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)
