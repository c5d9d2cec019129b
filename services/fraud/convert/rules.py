"""Converts rules of scenarios, and whole contents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask
from rampart.fraud.v1 import scenario_pb2 as pb

from meshkit.preconditions import Preconditions, etag_mismatch
from meshkit.updates import Updates
from services.fraud.domain.scenarios.diff import FieldChange, ScenarioDiff
from services.fraud.domain.scenarios.faults import ContentFault
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ModelReason, ScenarioContent, ScenarioModel

__all__ = [
    "RULE_UPDATES",
    "changes_to_proto",
    "content_from_proto",
    "content_to_proto",
    "problems_to_proto",
    "rule_changes_to_proto",
    "rule_from_proto",
    "rule_state_from_proto",
    "rule_to_proto",
    "updated_rule_from_proto",
]

_MUTABLE = ("code", "words", "expression", "contribution", "outcome", "habit", "alert")
_SHARES = ("review_at", "decline_at", "prior_share", "trust_share")
RULE_UPDATES = Updates("rule", pb.ScenarioRule, identifier="rule_id", mutable=_MUTABLE)


def rule_from_proto(message: pb.ScenarioRule) -> ScenarioRule:
    return ScenarioRule(
        rule_id=message.rule_id,
        code=message.code,
        words=message.words,
        expression=message.expression,
        contribution=message.contribution,
        outcome=RuleOutcome(message.outcome),
        habit=message.habit,
        alert=message.alert,
    )


def updated_rule_from_proto(rule: ScenarioRule, message: pb.ScenarioRule, mask: FieldMask) -> ScenarioRule:
    """Returns a rule after an update. Raises VALIDATION_FAILED for a mask that names what is no field of a rule."""
    changes = RULE_UPDATES.changes(message, mask)
    sent = rule_from_proto(message)
    return replace(rule, **{name: getattr(sent, name) for name in changes})


def rule_to_proto(rule: ScenarioRule) -> pb.ScenarioRule:
    return pb.ScenarioRule(
        rule_id=rule.rule_id,
        code=rule.code,
        words=rule.words,
        expression=rule.expression,
        contribution=rule.contribution,
        outcome=rule.outcome.value,
        habit=rule.habit,
        alert=rule.alert,
        etag=_etag(rule),
    )


def rule_state_from_proto(etag: str, request: Any) -> Callable[[ScenarioRule], None]:
    """Returns what raises ETAG_MISMATCH for a rule in another state than a request is for."""
    asked = Preconditions(request.preconditions.if_match, request.preconditions.if_none_match)

    def check(rule: ScenarioRule) -> None:
        there = _etag(rule)
        if (etag and etag.strip('"') != there.strip('"')) or not asked.hold(there):
            raise etag_mismatch()

    return check


def content_from_proto(message: pb.ScenarioContent) -> ScenarioContent:
    """Returns the content; what is absent has its default."""
    shares: dict[str, Any] = {name: getattr(message, name) for name in _SHARES if message.HasField(name)}
    return ScenarioContent(
        event_type=message.event_type,
        description=message.description,
        rules=tuple(rule_from_proto(each) for each in message.rules),
        model=_model_from_proto(message.model) if message.HasField("model") else None,
        **shares,
    )


def content_to_proto(content: ScenarioContent, *, rules: bool = True) -> pb.ScenarioContent:
    """Returns the content, without rules where it is one of many."""
    return pb.ScenarioContent(
        event_type=content.event_type,
        description=content.description,
        review_at=content.review_at,
        decline_at=content.decline_at,
        prior_share=content.prior_share,
        trust_share=content.trust_share,
        rules=map(rule_to_proto, content.rules) if rules else (),
        model=_model_to_proto(content.model) if content.model is not None else None,
    )


def _model_from_proto(message: pb.ScenarioModel) -> ScenarioModel:
    reasons = [ModelReason(feature=each.feature, code=each.code, words=each.words) for each in message.reasons]
    return ScenarioModel(name=message.name, version=message.version, reasons=tuple(reasons))


def _model_to_proto(model: ScenarioModel) -> pb.ScenarioModel:
    reasons = [pb.ModelReason(feature=each.feature, code=each.code, words=each.words) for each in model.reasons]
    return pb.ScenarioModel(name=model.name, version=model.version, reasons=reasons)


def problems_to_proto(faults: Sequence[ContentFault]) -> Sequence[pb.ExpressionProblem]:
    return [
        pb.ExpressionProblem(field=each.place, line=each.line, column=each.column, message=each.message)
        for each in faults
    ]


def changes_to_proto(changes: Sequence[FieldChange]) -> Sequence[pb.FieldChange]:
    return [pb.FieldChange(field=each.name, before=each.before, after=each.after) for each in changes]


def rule_changes_to_proto(difference: ScenarioDiff) -> Sequence[pb.RuleChange]:
    return [
        pb.RuleChange(rule_id=each.rule_id, code=each.code, changes=changes_to_proto(each.fields))
        for each in difference.changed
    ]


def _etag(rule: ScenarioRule) -> str:
    return f'"{blake2b(repr(rule).encode(), digest_size=8).hexdigest()}"'
