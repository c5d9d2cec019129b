"""Compares two contents of scenarios, rule by rule and field by field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from enum import Enum
from typing import NamedTuple

from services.fraud.domain.scenarios.rule import ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent

__all__ = ["FieldChange", "RuleChange", "ScenarioDiff", "compare"]


class FieldChange(NamedTuple):
    """A field with another value, both as text."""

    name: str
    before: str
    after: str


class RuleChange(NamedTuple):
    """A rule that is in both, and differs."""

    rule_id: str
    code: str
    """In the later one."""
    fields: Sequence[FieldChange]


class ScenarioDiff(NamedTuple):
    """What leads from one content to another."""

    added: Sequence[ScenarioRule]
    removed: Sequence[ScenarioRule]
    changed: Sequence[RuleChange]
    settings: Sequence[FieldChange]
    """Everything besides rules."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.settings)


_RULE_FIELDS = [field.name for field in fields(ScenarioRule) if field.name != "rule_id"]
_SETTINGS = [field.name for field in fields(ScenarioContent) if field.name != "rules"]


def compare(before: ScenarioContent, after: ScenarioContent) -> ScenarioDiff:
    """Returns the difference. Rules are the same by identifier; their order decides nothing and is not compared."""
    old = {rule.rule_id: rule for rule in before.rules}
    new = {rule.rule_id: rule for rule in after.rules}
    return ScenarioDiff(
        added=[rule for rule in after.rules if rule.rule_id not in old],
        removed=[rule for rule in before.rules if rule.rule_id not in new],
        changed=[
            RuleChange(rule.rule_id, rule.code, changes)
            for rule in after.rules
            if rule.rule_id in old and (changes := _changes(old[rule.rule_id], rule, _RULE_FIELDS))
        ],
        settings=_changes(before, after, _SETTINGS),
    )


def _changes(before: object, after: object, names: Sequence[str]) -> Sequence[FieldChange]:
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in names]
    return [FieldChange(name, _text(old), _text(new)) for name, old, new in pairs if old != new]


def _text(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value)
