"""Reads back decisions to be computed again."""

from __future__ import annotations

from datetime import UTC

from google.protobuf.message import DecodeError
from rampart.fraud.v1 import decision_pb2

from services.fraud.convert.decisions import FORMAT, base_facts_from_record
from services.fraud.convert.events import fields_from_record
from services.fraud.convert.seals import intact_from_record
from services.fraud.domain.declared.vector import SplitValues
from services.fraud.domain.recorded import AnsweredDecision, RecordedDecision
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.verdict import Factor, Verdict
from services.fraud.errors import not_computable
from services.fraud.ports import StoredDecision

__all__ = ["recorded_from_record"]


def recorded_from_record(stored: StoredDecision) -> RecordedDecision:
    """Reads a decision as it was stored. Raises NOT_COMPUTABLE for a record that holds none."""
    try:
        return _read(stored)
    except (DecodeError, ValueError, LookupError, TypeError, AttributeError, AssertionError):
        raise not_computable("record") from None


def _read(stored: StoredDecision) -> RecordedDecision:
    answer = decision_pb2.Decision.FromString(stored.answer)
    inputs = decision_pb2.DecisionInputs.FromString(stored.inputs)
    versions, vector = answer.versions, inputs.vector
    return RecordedDecision(
        decision_id=answer.decision_id,
        event_type=answer.event_type,
        type_version=versions.event_type,
        scenario=VersionRef(versions.scenario, versions.scenario_version) if versions.scenario else None,
        features=vector.version,
        values=SplitValues(vector.values, vector.numbers, vector.missing),
        facts=base_facts_from_record(inputs, fields_from_record(stored.fields)),
        snoozed=tuple(inputs.snoozed_rules),
        required=tuple(inputs.review_without),
        degraded=tuple(inputs.degraded),
        answered=_answered(answer),
        event_time=answer.event_time.ToDatetime(UTC),
        create_time=answer.create_time.ToDatetime(UTC),
        complete=inputs.format == FORMAT,
        intact=intact_from_record(stored.answer, stored.fields, stored.inputs),
    )


def _answered(answer: decision_pb2.Decision) -> AnsweredDecision:
    factors = [Factor(each.reason_code, each.message, each.contribution) for each in answer.explanations]
    return AnsweredDecision(
        verdict=Verdict(answer.outcome, answer.confidence_score, factors),
        is_fraudulent=answer.is_fraudulent,
        codes=tuple(answer.risk_factors),
        snoozed=tuple(answer.snoozed_rules),
        errors=tuple(answer.failed_rules),
    )
