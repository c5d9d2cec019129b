"""Renders explanations and replays of decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Value
from rampart.fraud.v1 import decision_pb2, explanation_pb2

from services.fraud.convert.signals import model_to_proto
from services.fraud.domain.recorded import Difference, Explanation, RecordedDecision
from services.fraud.domain.scenarios.explaining import ExplainedRule

__all__ = ["explanation_to_proto", "replay_to_proto"]


def explanation_to_proto(recorded: RecordedDecision, made: Explanation) -> explanation_pb2.DecisionExplanation:
    verdict, ref = made.judgement.verdict, recorded.scenario
    message = explanation_pb2.DecisionExplanation(
        decision_id=recorded.decision_id,
        event_type=recorded.event_type,
        outcome=verdict.outcome,
        confidence_score=verdict.score,
        degraded=recorded.degraded,
        versions=decision_pb2.DecisionVersions(
            scenario=ref.scenario_id if ref is not None else None,
            scenario_version=ref.number if ref is not None else None,
            features=recorded.features,
            event_type=recorded.type_version,
        ),
        steps=[
            explanation_pb2.OutcomeStep(
                step=each.kind.value, outcome=each.outcome, message=each.message, rule_id=each.rule_id
            )
            for each in made.steps
        ],
        rules=[_rule_to_proto(each, names) for each, names in zip(made.rules, made.names, strict=True)],
        values={name: _value_to_proto(value) for name, value in made.values.items()},
        differences=_differences_to_proto(made.differences),
    )
    if made.model is not None:
        model_to_proto(made.model, message.model)
    message.event_time.FromDatetime(recorded.event_time)
    message.create_time.FromDatetime(recorded.create_time)
    return message


def replay_to_proto(recorded: RecordedDecision, found: Sequence[Difference]) -> explanation_pb2.DecisionReplay:
    return explanation_pb2.DecisionReplay(
        decision_id=recorded.decision_id,
        identical=recorded.intact and not found,
        intact=recorded.intact,
        differences=_differences_to_proto(found),
    )


def _rule_to_proto(explained: ExplainedRule, names: Iterable[str]) -> explanation_pb2.ExplainedRule:
    rule = explained.rule
    return explanation_pb2.ExplainedRule(
        rule_id=rule.rule_id,
        reason_code=rule.code,
        state=explained.state.value,
        weight=explained.weight,
        contribution=explained.contribution,
        outcome=rule.outcome.value,
        message=explained.message,
        expression=rule.expression,
        names=names,
    )


def _differences_to_proto(found: Sequence[Difference]) -> Sequence[explanation_pb2.DecisionDifference]:
    return [
        explanation_pb2.DecisionDifference(field=each.field, stored=each.stored, computed=each.computed)
        for each in found
    ]


def _value_to_proto(value: object) -> Value:
    if value is None:
        return Value(null_value=NULL_VALUE)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int | float):
        return Value(number_value=value)
    if isinstance(value, datetime):
        return Value(string_value=value.isoformat().replace("+00:00", "Z"))
    if isinstance(value, tuple):
        return Value(list_value=ListValue(values=[Value(string_value=each) for each in value]))
    return Value(string_value=str(value))
