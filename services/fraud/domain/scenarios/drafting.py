"""Edits of a draft. Each returns the content after it, and raises LookupError for a rule that is not there."""

from __future__ import annotations

from dataclasses import replace

from services.fraud.domain.scenarios.rule import ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent

__all__ = ["with_rule", "with_settings", "without_rule"]


def with_rule(content: ScenarioContent, rule: ScenarioRule) -> ScenarioContent:
    """Puts a rule in the place of the one with its identifier, or at the end."""
    if any(each.rule_id == rule.rule_id for each in content.rules):
        rules = tuple(rule if each.rule_id == rule.rule_id else each for each in content.rules)
        return replace(content, rules=rules)
    return replace(content, rules=(*content.rules, rule))


def without_rule(content: ScenarioContent, rule_id: str) -> ScenarioContent:
    """Takes a rule away. A rule that comes back under its identifier is the same to all statistics."""
    rules = tuple(each for each in content.rules if each.rule_id != rule_id)
    if len(rules) == len(content.rules):
        raise LookupError(rule_id)
    return replace(content, rules=rules)


def with_settings(content: ScenarioContent, of: ScenarioContent) -> ScenarioContent:
    """Takes everything besides rules and event type from another content."""
    return replace(of, rules=content.rules, event_type=content.event_type)
