"""Renders decisions for their answers, rows and events, and reads back what they were computed from.

Nothing that a decision hangs on is left out of its row, so that it can be computed again (see `records`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rampart.fraud.v1 import decision_pb2

from meshkit.timestamps import time_to_proto
from services.fraud.convert.decision_events import decided_to_event
from services.fraud.convert.events import fields_to_record
from services.fraud.convert.seals import sealed_to_record
from services.fraud.convert.signals import (
    address_from_proto,
    address_to_proto,
    lists_from_proto,
    model_from_proto,
    model_to_proto,
    ruling_from_proto,
    ruling_to_proto,
)
from services.fraud.domain.check import NOTHING_KEPT, Basis, Decided, Features, Kept
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import NAMES_OF_BEFORE, STARTER, VERSIONS_OF_BEFORE
from services.fraud.domain.declared.vector import VectorLayout, joined, rejoined, split
from services.fraud.domain.event import Fields
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import Rate, Spend
from services.fraud.domain.scenarios.consulted import hits_of
from services.fraud.domain.scenarios.facts import EventFacts
from services.fraud.domain.verdict import DECLINE

__all__ = [
    "FORMAT",
    "DecisionRecord",
    "base_facts_from_record",
    "decided_to_record",
    "facts_from_record",
    "stored_to_proto",
]

FORMAT = 1
"""Of inputs that are all that a decision hangs on."""


class DecisionRecord(NamedTuple):
    """A decision as it is answered, stored and published."""

    answer: bytes
    """`Decision`."""
    inputs: bytes
    """`DecisionInputs`."""
    event: bytes
    """`DecisionEvent`."""
    fields: bytes
    """The fields of the event that it is about."""


def decided_to_record(made: Decided) -> DecisionRecord:
    """Renders a decision once for its answer, its row and its event."""
    decision, fields = _answer_to_proto(made), fields_to_record(made.check.fields)
    answer = decision.SerializeToString()
    return DecisionRecord(
        answer,
        sealed_to_record(answer, fields, _inputs_to_proto(made).SerializeToString()),
        decided_to_event(made, decision).SerializeToString(),
        fields,
    )


def _answer_to_proto(made: Decided) -> decision_pb2.Decision:
    check, verdict, scenario, judgement = made.check, made.verdict, made.scenario, made.judgement
    decision = decision_pb2.Decision(
        is_fraudulent=verdict.outcome == DECLINE,
        confidence_score=verdict.score,
        decision_id=made.decision_id,
        outcome=verdict.outcome,
        score_source="model" if made.facts.model is not None else "rules",
        transaction_id=check.transaction_id,
        user_id=check.user_id,
        transaction_amount=check.amount,
        currency=check.currency,
        event_time=time_to_proto(made.features.event_time),
        create_time=time_to_proto(made.create_time),
        event_type=check.event_type,
    )
    # What is in another message is written in its place: made by itself, it would be copied.
    versions, stages = decision.versions, decision.stages
    versions.features, versions.event_type = made.features.set.version, made.type_version
    if scenario is not None:
        versions.scenario, versions.scenario_version = scenario
        decision.rules_version = f"{scenario.scenario_id}-{scenario.number}"
    stages.read_ms, stages.judge_ms = made.times
    add = decision.explanations.add
    for factor in verdict.factors:
        decision.risk_factors.append(factor.code)
        add(reason_code=factor.code, message=factor.message, contribution=factor.contribution)
    if made.degraded:
        decision.degraded.extend(made.degraded)
    if judgement.snoozed or judgement.errors:
        decision.snoozed_rules.extend(judgement.snoozed)
        decision.failed_rules.extend(judgement.errors)
    return decision


def _inputs_to_proto(made: Decided) -> decision_pb2.DecisionInputs:
    facts, check, rate = made.facts, made.check, made.facts.rate
    inputs = decision_pb2.DecisionInputs(
        channel=check.channel,
        amount_minor=check.amount_minor,
        currency_digits=facts.digits,
        currency=facts.currency,
        usd_per_unit=rate.usd_per_unit if rate is not None else None,
        rate_since=rate.since if rate is not None else None,
        format=FORMAT,
        arrival=made.features.arrival,
        unlogged=made.features.basis is Basis.UNLOGGED,
    )
    _features_to_proto(made.features, inputs)
    if made.degraded:
        inputs.degraded.extend(made.degraded)
        inputs.review_without.extend(made.required)
    if made.judgement.snoozed:
        inputs.snoozed_rules.extend(made.judgement.snoozed)
    inputs.alert_rules.extend(made.judgement.alerts)
    if check.kept is not NOTHING_KEPT:
        _kept_to_proto(check.kept, inputs)
    for spend in facts.elsewhere:
        _spend_to_proto(spend, inputs.user_elsewhere_24h.add())
    if facts.profile is not None:
        inputs.user_profile_read = True
        inputs.user_known = facts.profile.known
        inputs.user_base_risk = facts.profile.base_risk
        inputs.user_tier = facts.profile.tier
        inputs.user_chargeback_count = facts.profile.chargeback_count
    if facts.ip is not None:
        inputs.address.CopyFrom(address_to_proto(facts.ip))
    for name, values in hits_of(facts.lists).items():
        inputs.list_hits.add(list=name, values=values)
    if facts.ruling is not None:
        inputs.list_ruling.CopyFrom(ruling_to_proto(facts.ruling))
    if facts.model is not None:
        model_to_proto(facts.model, inputs.model)
    return inputs


def _features_to_proto(features: Features, inputs: decision_pb2.DecisionInputs) -> None:
    parts, vector, graph = split(features.set.layout, features.values), inputs.vector, features.graph
    vector.version = features.set.version
    vector.values.extend(parts.values)
    if parts.numbers:
        vector.numbers.extend(parts.numbers)
    if parts.missing:
        vector.missing.extend(parts.missing)
    if graph is not None:
        inputs.graph.age_ms = graph.age_ms
        inputs.graph.partial.extend(graph.partial)


def _vector_from_proto(vector: decision_pb2.FeatureVector, layout: VectorLayout) -> Mapping[str, float]:
    """Returns the values by name."""
    if vector.version in VERSIONS_OF_BEFORE:
        return dict(zip(NAMES_OF_BEFORE[: len(vector.values)], vector.values, strict=True))
    return joined(layout, vector.values, vector.numbers, vector.missing)


def _kept_to_proto(kept: Kept, inputs: decision_pb2.DecisionInputs) -> None:
    inputs.card_fingerprint, inputs.email = kept.card, kept.email
    inputs.attributes.update(kept.attributes)
    for field, sent, canonical in kept.spellings:
        inputs.spellings.add(field=field, sent=sent, canonical=canonical)


def _spend_to_proto(spend: Spend, message: decision_pb2.CurrencySum) -> None:
    message.currency, message.amount_minor, message.currency_digits = spend.currency, spend.amount_minor, spend.digits
    if spend.rate is not None:
        message.usd_per_unit, message.rate_since = spend.rate


def facts_from_record(inputs: decision_pb2.DecisionInputs, fields: Fields, features: FeatureSet | None) -> EventFacts:
    """Reads back what a decision was computed from. `features` is the set that its vector is of; None leaves it out."""
    vector = inputs.vector
    facts = base_facts_from_record(inputs, fields)
    if features is None:
        return facts
    values = rejoined(features.layout, vector.values, vector.numbers, vector.missing)
    return facts._replace(features=values)


def base_facts_from_record(inputs: decision_pb2.DecisionInputs, fields: Fields) -> EventFacts:
    """Reads back what a decision was computed from, all but the features."""
    profile = None
    # Before it was stored whether the profile was read, a tier said so.
    if inputs.user_profile_read if inputs.format else inputs.user_tier:
        profile = Profile(inputs.user_known, inputs.user_base_risk, inputs.user_tier, inputs.user_chargeback_count)
    return EventFacts(
        fields=fields,
        features=(),
        currency=inputs.currency,
        digits=inputs.currency_digits,
        profile=profile,
        rate=_rate_from_proto(inputs),
        elsewhere=[
            Spend(each.currency, each.amount_minor, each.currency_digits, _rate_from_proto(each))
            for each in inputs.user_elsewhere_24h
        ],
        ip=address_from_proto(inputs.address) if inputs.HasField("address") else None,
        lists=lists_from_proto(inputs),
        ruling=ruling_from_proto(inputs.list_ruling) if inputs.HasField("list_ruling") else None,
        model=model_from_proto(inputs.model) if inputs.HasField("model") else None,
    )


def _rate_from_proto(message: decision_pb2.DecisionInputs | decision_pb2.CurrencySum) -> Rate | None:
    return Rate(message.usd_per_unit, message.rate_since) if message.usd_per_unit else None


def stored_to_proto(answer: bytes, inputs: bytes, layout: VectorLayout = STARTER.layout) -> decision_pb2.Decision:
    """Returns a stored decision together with its inputs, the features under their names.

    `layout` is that of the version of its features.
    """
    decision = decision_pb2.Decision.FromString(answer)
    decision.inputs.ParseFromString(inputs)
    for name, value in _vector_from_proto(decision.inputs.vector, layout).items():
        decision.inputs.features[name] = value
    decision.inputs.ClearField("vector")
    decision.inputs.ClearField("digest")
    return decision
