"""A rule of a scenario: when it fires, what that is worth, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["RuleOutcome", "ScenarioRule"]


class RuleOutcome(Enum):
    """What a rule that fires makes of the outcome, whatever the score."""

    NONE = ""
    APPROVE_AT_ONCE = "approve_at_once"
    """Approves, unless a rule that fires declines, or an input is missing without which nothing is approved."""
    REVIEW = "review"
    """At least."""
    DECLINE = "decline"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioRule:
    """One rule. It keeps its identifier in all versions, so that they can be compared."""

    rule_id: str
    code: str
    """Names the reason to callers."""
    words: str
    """Says the reason, with places for values (see `words`)."""
    expression: str
    contribution: float = 0.0
    """Weight as evidence of fraud, 0 to 1."""
    outcome: RuleOutcome = RuleOutcome.NONE
    habit: bool = False
    """True for what a trusted user may be in the habit of: trust lessens its contribution, and no other one."""
    alert: bool = False
    """True for a rule that asks for an alert of the analysts whenever it fires."""
