"""Checks the form of a scenario: bounds, names, contradictions. Expressions are checked where they are read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from services.fraud.domain.expressions.tree import cost_of_texts
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.faults import ContentFault
from services.fraud.domain.scenarios.file import LARGEST_FILE, file_of
from services.fraud.domain.scenarios.model_checking import model_faults
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent
from services.fraud.domain.scenarios.words import words_faults

__all__ = ["LONGEST_EXPRESSION", "MOST_RULES", "content_faults", "cost_faults", "rule_faults"]

MOST_RULES = 1_000
MOST_COST = 3_000_000
"""Of all expressions together, in 10 ns: 30 ms at worst, in which a process decides for nobody else."""
LONGEST_EXPRESSION = 2_000
LONGEST_DESCRIPTION = 2_000

_RULE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,62}")
_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_]{0,62}")


def content_faults(content: ScenarioContent, variables: Mapping[str, ValueKind]) -> Sequence[ContentFault]:
    """Returns everything that is wrong with a scenario besides its expressions. `variables` are what words may name."""
    faults = list(_whole_faults(content))
    for index, reason in enumerate(content.model.reasons if content.model is not None else ()):
        place = f"model.reasons[{index}].words"
        faults += [
            ContentFault(place, "words.form", words, 1, at) for at, words in words_faults(reason.words, variables)
        ]
    for index, rule in enumerate(content.rules[:MOST_RULES]):
        faults += [fault._replace(place=f"rules[{index}].{fault.place}") for fault in rule_faults(rule, variables)]
    if not faults and len(file_of(content).encode()) > LARGEST_FILE:
        faults.append(ContentFault("", "scenario.size", f"must have at most {LARGEST_FILE} bytes as a file"))
    return faults


def cost_faults(trees: Sequence[str]) -> Iterator[ContentFault]:
    """Says if the checked expressions of a scenario are too much together."""
    cost = cost_of_texts(trees)
    if cost > MOST_COST:
        message = (
            f"must together take at most {MOST_COST // 100_000} ms with the longest texts, and may take "
            f"{-(-cost // 100_000)}: have fewer patterns and searches (`matches`, `contains`, `lowerAscii`)"
        )
        yield ContentFault("rules", "rules.cost", message)


def rule_faults(rule: ScenarioRule, variables: Mapping[str, ValueKind]) -> Sequence[ContentFault]:
    """Returns what is wrong with one rule besides its expression."""
    faults = []
    if not _RULE_ID.fullmatch(rule.rule_id):
        faults.append(ContentFault("rule_id", "rule_id.form", "must be 1 to 64 letters, digits, '.', '_' or '-'"))
    if not _CODE.fullmatch(rule.code):
        faults.append(ContentFault("code", "code.form", "must be 1 to 63 capital letters, digits or '_'"))
    if not rule.words.strip():
        faults.append(ContentFault("words", "words.required", "must say the reason"))
    for column, message in words_faults(rule.words, variables):
        faults.append(ContentFault("words", "words.form", message, 1, column))
    if not 1 <= len(rule.expression) <= LONGEST_EXPRESSION:
        message = f"must have 1 to {LONGEST_EXPRESSION} characters"
        faults.append(ContentFault("expression", "expression.length", message))
    for name in ("words", "expression"):
        faults += _unreadable(name, getattr(rule, name))
    return [*faults, *_worth_faults(rule)]


def _worth_faults(rule: ScenarioRule) -> Iterator[ContentFault]:
    if not 0 <= rule.contribution <= 1:
        yield ContentFault("contribution", "contribution.range", "must be from 0 to 1")
    elif rule.contribution == 0 and rule.outcome is RuleOutcome.NONE:
        yield ContentFault("contribution", "contribution.required", "must be above 0 for a rule without an outcome")
    elif rule.contribution > 0 and rule.outcome is RuleOutcome.APPROVE_AT_ONCE:
        yield ContentFault("contribution", "contribution.contradicts", "must be 0 for a rule that approves at once")
    if rule.habit and rule.contribution == 0:
        yield ContentFault("habit", "habit.contradicts", "is about a contribution, and there is none")


def _whole_faults(content: ScenarioContent) -> Iterator[ContentFault]:
    if not _EVENT_TYPE.fullmatch(content.event_type):
        yield ContentFault("event_type", "event_type.form", "must be the name of an event type")
    if len(content.rules) > MOST_RULES:
        yield ContentFault("rules", "rules.count", f"must be at most {MOST_RULES}")
    if len(content.description) > LONGEST_DESCRIPTION:
        message = f"must have at most {LONGEST_DESCRIPTION} characters"
        yield ContentFault("description", "description.length", message)
    yield from _unreadable("description", content.description)
    for name in ("review_at", "decline_at", "prior_share", "trust_share"):
        value = getattr(content, name)
        if not math.isfinite(value) or not 0 <= value <= 1:
            yield ContentFault(name, f"{name}.range", "must be from 0 to 1")
    if content.review_at > content.decline_at:
        yield ContentFault("review_at", "review_at.order", "must be at most decline_at")
    for name in ("rule_id", "code"):
        yield from _repeated(content, name)
    if content.model is not None:
        yield from model_faults(content.model, {rule.code for rule in content.rules})


def _repeated(content: ScenarioContent, name: str) -> Iterator[ContentFault]:
    first: dict[str, int] = {}
    for index, rule in enumerate(content.rules):
        earlier = first.setdefault(getattr(rule, name), index)
        if earlier != index:
            yield ContentFault(f"rules[{index}].{name}", f"{name}.unique", f"is that of rules[{earlier}] as well")


def _unreadable(place: str, text: str) -> Iterator[ContentFault]:
    """Says where a text has what nobody sees: control characters, halves of pairs."""
    for index, letter in enumerate(text):
        if not (letter.isprintable() or letter in "\n\t\u00a0"):
            line = text.count("\n", 0, index) + 1
            column = index - text.rfind("\n", 0, index)
            message = f"has the character U+{ord(letter):04X}, which cannot be seen"
            yield ContentFault(place, f"{place}.characters", message, line, column)
            return
