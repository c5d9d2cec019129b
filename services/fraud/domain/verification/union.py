"""Joins the feature sets that the decisions of a period name into one, so that each log is folded once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from services.fraud.domain.declared.feature import Feature
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.recording import currency_of
from services.fraud.domain.declared.records import currency_letters
from services.fraud.domain.declared.vector import VectorLayout, rejoined
from services.fraud.domain.verification.recorded import RecordedCheck

__all__ = ["ComparedSet", "ComparedValue", "united"]


class ComparedValue(NamedTuple):
    """A value of a feature as it was stored and as it is computed."""

    feature: str
    reach_ms: int
    """How far before the event its window begins; 0 for a derived one."""
    stored: object
    recomputed: object


class ComparedSet:
    """A set that decisions name: how what was read for the union is compared with what they stored."""

    def __init__(self, whole: FeatureSet, only: Collection[str] = ()) -> None:
        """Without `only` all are compared. Left out are those of daily totals and of the graph: these change."""
        names = (set(only).intersection(whole.names) if only else set(whole.names)) - whole.of_days - whole.of_graph
        self._whole = whole
        self.names = frozenset(names)
        """What is compared."""
        self.part = whole.part(names)
        """The features that are needed for those that are compared."""
        self.places: Sequence[int] = ()
        """Where each of them that is read of logs stands in the union."""

    def compared(self, check: RecordedCheck, read: Sequence[Any]) -> Sequence[ComparedValue]:
        """Returns the values of a check. `read` is what was read of logs, in the order of the union."""
        part, vector, layout = self.part, check.vector, self._whole.layout
        stored = dict(zip(layout.names, rejoined(layout, vector.values, vector.numbers, vector.missing), strict=True))
        computed: list[Any] = [read[place] for place in self.places]
        sums = _taken_out(computed, part)
        computed += [None] * (len(part.names) - len(computed))
        derive = part.derivation(check.event_type)
        if derive is not None:
            derive(computed, check.fields)
        found = [
            ComparedValue(name, _reach(part, place), stored[name], _as_stored(part.layout, place, computed[place]))
            for place, name in enumerate(part.names)
            if name in self.names and place not in sums
        ]
        return [*found, *(self._converted(check, place, each) for place, each in sums.items())]

    def _converted(self, check: RecordedCheck, place: int, sums: Mapping[str, int]) -> ComparedValue:
        own = currency_letters(currency_of(check.fields))
        others = {each: total for each, total in sums.items() if total and each != own}
        return ComparedValue(self.part.names[place], _reach(self.part, place), dict(check.elsewhere), others)


def united(sets: Iterable[ComparedSet]) -> Sequence[Feature]:
    """Returns the features that all sets need, and tells each where its own stand among them, kind by kind.

    Two that have one name and are not the same are both there, the second under another name.
    """
    found: dict[Feature, str] = {}
    for each in sets:
        for feature in each.part.features:
            if feature not in found:
                same = sum(known.name == feature.name for known in found)
                found[feature] = f"{feature.name}~{same}" if same else feature.name
    kinds: dict[str, list[Feature]] = {}
    for feature in found:
        kinds.setdefault(feature.kind, []).append(feature)
    ordered = [feature for own in kinds.values() for feature in own]
    place = {feature: number for number, feature in enumerate(ordered)}
    for each in sets:
        each.places = [place[feature] for feature in each.part.features]
    return [replace(feature, name=found[feature]) for feature in ordered]


def _taken_out(computed: list[Any], part: FeatureSet) -> Mapping[int, Mapping[str, int]]:
    """Takes out the sums that are to be converted: a decision has those in other currencies beside its values."""
    found: dict[int, Mapping[str, int]] = {}
    for place, feature in enumerate(part.features):
        if feature.converted:
            found[place], computed[place] = computed[place] or {}, None
    return found


def _reach(part: FeatureSet, place: int) -> int:
    if place >= len(part.features):
        return 0
    return part.features[place].window_ms + part.features[place].delay_ms


def _as_stored(layout: VectorLayout, place: int, value: Any) -> object:
    if value is None:
        return None
    if place in layout.numbers:
        return float(value)
    return bool(value) if place in layout.flags else int(value)
