"""Scenarios and their versions: a draft that is edited, and what was frozen of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from services.fraud.domain.scenarios.rule import ScenarioRule
from services.fraud.domain.scoring.model import ModelRef

__all__ = [
    "DEFAULT_DECLINE_AT",
    "DEFAULT_PRIOR",
    "DEFAULT_REVIEW_AT",
    "ModelReason",
    "Scenario",
    "ScenarioContent",
    "ScenarioModel",
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
class ModelReason:
    """What is said of a feature that did much to a model's score."""

    feature: str
    code: str
    words: str = ""
    """With places for values, as those of rules; empty tells the feature and its value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioModel:
    """The model whose score is what evidence of rules is added to."""

    name: str
    version: int
    reasons: tuple[ModelReason, ...] = ()
    """Of features that have a code and words of the tenant's."""

    @property
    def ref(self) -> ModelRef:
        return ModelRef(self.name, self.version)

    def __str__(self) -> str:
        own = "".join(f" {each.feature}={each.code}:{each.words!r}" for each in self.reasons)
        return f"{self.name}@{self.version}{own}"


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
    model: ScenarioModel | None = None
    """None decides by rules alone."""


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
