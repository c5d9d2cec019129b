"""Decisions as they were stored, to be computed again and held against what was answered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import NamedTuple

from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.vector import SplitValues, rejoined
from services.fraud.domain.scenarios.explaining import ExplainedRule, OutcomeStep
from services.fraud.domain.scenarios.facts import EventFacts
from services.fraud.domain.scenarios.judging import Judgement
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scoring.model import ModelScore
from services.fraud.domain.verdict import DECLINE, Factor, Verdict

__all__ = ["AnsweredDecision", "Difference", "Explanation", "RecordedDecision", "differences"]


class AnsweredDecision(NamedTuple):
    """What of an answer follows from what it was computed from."""

    verdict: Verdict
    is_fraudulent: bool
    codes: tuple[str, ...]
    snoozed: tuple[str, ...]
    """Identifiers of rules, as in all that follows."""
    errors: tuple[str, ...]


class RecordedDecision(NamedTuple):
    """A decision with everything that it was computed from."""

    decision_id: str
    event_type: str
    type_version: int
    scenario: VersionRef | None
    features: str
    """Version of the feature set whose values follow."""
    values: SplitValues
    facts: EventFacts
    """All but the features, for which their set is needed."""
    snoozed: tuple[str, ...]
    required: tuple[str, ...]
    """What was missing without which the operator approves nothing."""
    degraded: tuple[str, ...]
    answered: AnsweredDecision
    event_time: datetime
    create_time: datetime
    complete: bool
    """False for one of before everything was stored."""
    intact: bool
    """True if what is stored is what was stored then."""

    def facts_with(self, features: FeatureSet) -> EventFacts:
        """Returns the facts with the values of a feature set. Raises ValueError if they are not of this set."""
        whole, numbers, missing = self.values
        present = set(range(len(features.names))) - set(missing)
        fractions = len(present & features.numbers)
        if (len(whole), len(numbers)) != (len(present) - fractions, fractions):
            raise ValueError(f"not values of the features {features.version}")
        return self.facts._replace(features=rejoined(features.layout, whole, numbers, missing))


class Difference(NamedTuple):
    """A part of a decision that is not as it is computed again."""

    field: str
    """Of the answer."""
    stored: str
    """As JSON, empty for nothing; so is what follows."""
    computed: str


class Explanation(NamedTuple):
    """How a decision comes out, and why."""

    judgement: Judgement
    steps: Sequence[OutcomeStep]
    rules: Sequence[ExplainedRule]
    names: Sequence[Sequence[str]]
    """What the expression of each rule asks for."""
    values: Mapping[str, object]
    """What rules and words saw; of a list, what was found in it."""
    differences: Sequence[Difference]
    model: ModelScore | None = None
    """What the model said, with what its score is made of as far as its trees tell that."""


def differences(answered: AnsweredDecision, judgement: Judgement) -> Sequence[Difference]:
    """Compares all of an answer that can be computed, part by part."""
    stored, computed = answered.verdict, judgement.verdict
    pairs: list[tuple[str, object, object]] = [
        ("outcome", stored.outcome, computed.outcome),
        ("is_fraudulent", answered.is_fraudulent, computed.outcome == DECLINE),
        ("confidence_score", stored.score, computed.score),
        ("risk_factors", answered.codes, tuple(factor.code for factor in computed.factors)),
        *_factor_pairs(stored.factors, computed.factors),
        ("snoozed_rules", answered.snoozed, judgement.snoozed),
        ("failed_rules", answered.errors, judgement.errors),
    ]
    return [Difference(field, _told(one), _told(other)) for field, one, other in pairs if one != other]


def _factor_pairs(
    stored: Sequence[Factor], computed: Sequence[Factor]
) -> Iterator[tuple[str, object | None, object | None]]:
    for place, (one, other) in enumerate(zip_longest(stored, computed)):
        for part, name in (("code", "reason_code"), ("message", "message"), ("contribution", "contribution")):
            yield f"explanations[{place}].{name}", getattr(one, part, None), getattr(other, part, None)


def _told(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)
