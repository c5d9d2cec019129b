"""Between the wire and the domain. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b

from google.protobuf.timestamp_pb2 import Timestamp
from rampart.fraud.v1 import decision_pb2, event_pb2, fraud_service_pb2

from meshkit.context import Principal
from meshkit.ids import uuid7_text
from services.fraud.domain import features as feature_list
from services.fraud.domain.check import Check, Decided, Features
from services.fraud.domain.money import digits_of, to_minor
from services.fraud.domain.rules import VERSION, Facts, Profile
from services.fraud.domain.selection import Selection
from services.fraud.domain.verdict import DECLINE, Verdict
from services.fraud.errors import amount_too_precise, event_time_impossible
from services.fraud.service import position
from services.fraud.service.watches import Sighting

__all__ = ["decided", "facts_of_inputs", "read_check", "selection", "show_inputs", "show_sighting"]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_check(request: fraud_service_pb2.CheckFraudRequest, principal: Principal) -> Check:
    """Completes a valid request with the tenant's defaults. Raises VALIDATION_FAILED for an amount too precise."""
    currency = request.currency or principal.currency
    digits = digits_of(currency)
    amount_minor = to_minor(request.transaction_amount, digits)
    if amount_minor is None:
        raise amount_too_precise(currency, digits)
    return Check(
        tenant_id=principal.tenant_id,
        transaction_id=request.transaction_id or uuid7_text(),
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


def decided(
    check: Check,
    facts: Facts,
    features: Features,
    verdict: Verdict,
    degraded: tuple[str, ...],
    decision_id: str,
    create_time: datetime,
) -> Decided:
    """Renders a verdict as what is answered, stored and published."""
    event_time, made = _timestamp(features.event_time), _timestamp(create_time)
    answer = decision_pb2.Decision(
        is_fraudulent=verdict.outcome == DECLINE,
        confidence_score=verdict.score,
        risk_factors=[factor.code for factor in verdict.factors],
        decision_id=decision_id,
        outcome=verdict.outcome,
        degraded=degraded,
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
        create_time=made,
        rules_version=VERSION,
    )
    event = event_pb2.DecisionEvent(
        tenant_id=check.tenant_id,
        decision_id=answer.decision_id,
        transaction_id=check.transaction_id,
        user_id=check.user_id,
        merchant_id=check.merchant,
        amount_minor=check.amount_minor,
        currency_digits=check.currency_digits,
        currency=check.currency,
        channel=check.channel,
        outcome=verdict.outcome,
        confidence_score=verdict.score,
        event_time=event_time,
        create_time=made,
    )
    return Decided(
        check=check,
        decision_id=decision_id,
        features=features,
        verdict=verdict,
        degraded=degraded,
        create_time=create_time,
        answer=answer.SerializeToString(),
        inputs=_inputs(facts, features.values, degraded).SerializeToString(),
        event=event.SerializeToString(),
    )


def facts_of_inputs(inputs: decision_pb2.DecisionInputs) -> Facts:
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


def show_inputs(answer: bytes, inputs: bytes) -> decision_pb2.Decision:
    """Returns a stored decision together with its inputs, the features under their names."""
    decision = decision_pb2.Decision.FromString(answer)
    decision.inputs.ParseFromString(inputs)
    for name, value in feature_list.by_name(decision.inputs.vector.values).items():
        decision.inputs.features[name] = value
    decision.inputs.ClearField("vector")
    return decision


def selection(request: fraud_service_pb2.WatchDecisionsRequest) -> Selection:
    """Reads what a watcher asks for."""
    return Selection(frozenset(request.outcomes), request.user_id, request.min_confidence_score)


def show_sighting(sighting: Sighting) -> fraud_service_pb2.WatchDecisionsResponse:
    """Renders what a watcher is told."""
    response = fraud_service_pb2.WatchDecisionsResponse(position=position.encode(sighting.place))
    if sighting.row is not None:
        response.decision.ParseFromString(sighting.row.answer)
    return response


def _inputs(facts: Facts, values: Sequence[int], degraded: tuple[str, ...]) -> decision_pb2.DecisionInputs:
    inputs = decision_pb2.DecisionInputs(
        channel=facts.channel,
        amount_minor=facts.amount_minor,
        currency_digits=facts.currency_digits,
        degraded=degraded,
        vector=decision_pb2.FeatureVector(version=feature_list.VERSION, values=values),
    )
    if facts.profile is not None:
        inputs.user_known = facts.profile.known
        inputs.user_base_risk = facts.profile.base_risk
        inputs.user_tier = facts.profile.tier
        inputs.user_chargeback_count = facts.profile.chargeback_count
    return inputs


def _timestamp(when: datetime) -> Timestamp:
    # `Timestamp.FromDatetime` does the same in ten times the time.
    since = when - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)
