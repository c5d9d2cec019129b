"""Tells in which groups of a report a decision is: by what rules can ask, or by what decided."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from meshkit.currencies import DIGITS
from services.fraud.domain.backtests.past import PastDecision
from services.fraud.domain.backtests.reading import PastReader
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.event_types import EventType
from services.fraud.domain.scenarios.facts import value_reader

__all__ = ["OF_DECISIONS", "Grouping", "model_of"]

LONGEST_VALUE = 100
"""Characters of a value that are told."""


def _outcome(past: PastDecision) -> Collection[str]:
    return (past.answer.outcome,) if past.answer is not None else ()


def _rules(past: PastDecision) -> Collection[str]:
    return frozenset(past.answer.codes) if past.answer is not None else ()


def _scenario(past: PastDecision) -> Collection[str]:
    ref = past.answer.scenario if past.answer is not None else None
    return (str(ref) if ref is not None else "",)


def _model(past: PastDecision) -> Collection[str]:
    return (model_of(past),)


OF_DECISIONS: Mapping[str, Callable[[PastDecision], Collection[str]]] = MappingProxyType(
    {"outcome": _outcome, "rule": _rules, "scenario": _scenario, "model": _model}
)
"""Names of groups that are no values of an event."""


class Grouping:
    """Groups by some names. `sets` are the feature sets that stored values may be of."""

    def __init__(self, names: Sequence[str], event_type: EventType, sets: Mapping[str, FeatureSet]) -> None:
        self._names = names
        asked = [name for name in names if name not in OF_DECISIONS]
        self._places = {name: place for place, name in enumerate(asked)}
        self._reader = PastReader(lambda features: value_reader(asked, event_type, features, DIGITS), sets)

    def groups(self, past: PastDecision) -> Sequence[Collection[str]] | None:
        """Returns of each name the groups that a decision is in; None if its values cannot be read."""
        values: Sequence[object] = ()
        if self._places:
            read = self._reader.read(past)
            if read is None:
                return None
            values = read
        return [
            OF_DECISIONS[name](past) if name in OF_DECISIONS else (_text(values[self._places[name]]),)
            for name in self._names
        ]


def model_of(past: PastDecision) -> str:
    """Returns the version of a model that scored, as name@number; empty for the rules."""
    return str(past.model.ref) if past.model is not None else ""


def _text(value: object) -> str:
    """Returns a value as a group is named; one that is missing is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:LONGEST_VALUE]
