"""Scenarios and their versions: a draft that is edited, and what was frozen of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from services.fraud.domain.scenarios.rule import ScenarioRule

__all__ = [
    "DEFAULT_DECLINE_AT",
    "DEFAULT_PRIOR",
    "DEFAULT_REVIEW_AT",
    "Scenario",
    "ScenarioContent",
    "ScenarioVersion",
    "VersionRef",
]

DEFAULT_REVIEW_AT = 0.5
DEFAULT_DECLINE_AT = 0.8
DEFAULT_PRIOR = 0.1
"""Prior of whom nothing is known."""


class VersionRef(NamedTuple):
    """Names a version of a tenant."""

    scenario_id: str
    number: int

    def __str__(self) -> str:
        return f"{self.scenario_id}@{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioContent:
    """What decides: rules, and what follows from a score. Equal contents decide alike."""

    event_type: str
    rules: tuple[ScenarioRule, ...] = ()
    review_at: float = DEFAULT_REVIEW_AT
    """Score from which the outcome is review."""
    decline_at: float = DEFAULT_DECLINE_AT
    prior_share: float = 0.5
    """How much of the user's base risk is the prior of the score."""
    trust_share: float = 0.5
    """What trust leaves of the prior and of contributions of habits."""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioVersion:
    """A content that never changes again."""

    scenario_id: str
    number: int
    """From 1, in the order in which they were made."""
    content: ScenarioContent
    note: str
    """What is new, in words for people."""
    authors: frozenset[str]
    """Everybody who edited it since the version before."""
    trees: tuple[str, ...] = ()
    """The checked tree of each rule's expression, serialised."""
    created_at: datetime

    @property
    def ref(self) -> VersionRef:
        return VersionRef(self.scenario_id, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario with its draft."""

    scenario_id: str
    draft: ScenarioContent
    revision: int
    """Of the draft: every edit makes another."""
    latest: int
    """Number of the newest version, 0 before the first."""
    editors: frozenset[str] = field(default=frozenset())
    """Who edited the draft since the newest version."""
    created_at: datetime
    updated_at: datetime
