"""What is known of the features of a tenant: whether they have values yet, and what is computed of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass

from services.fraud.domain.declared.daily import daily_stream
from services.fraud.domain.declared.declaration import DeclaredFeature, DeclaredFeatures, DeclaredSet
from services.fraud.domain.declared.plan import plan_kinds
from services.fraud.domain.declared.starter import BASES
from services.fraud.domain.declared.written import features_read, written_logs
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.tree import references, tree_from_json

__all__ = ["KnownFeature", "depth_of", "derived_using", "known_features"]


@dataclass(frozen=True, slots=True)
class KnownFeature:
    """A feature of a tenant, or one that every tenant has."""

    declared: DeclaredFeature
    built_in: bool
    is_read: bool
    """False while the logs do not have all that it needs: it has no value until then."""


def known_features(declared: DeclaredFeatures, types: Mapping[str, EventType]) -> Mapping[str, KnownFeature]:
    """Returns the features by name. What is to be converted is for the engine alone."""
    current, read = declared.current, _read(declared, types)
    built_in = [DeclaredFeature(definition=each) for each in BASES[current.base] if not each.converted]
    found = {each.name: KnownFeature(each, True, each.name in read) for each in built_in}
    return found | {each.name: KnownFeature(each, False, each.name in read) for each in current.features}


def depth_of(tree: str, current: DeclaredSet) -> int:
    """Returns how many derived features an expression hangs on, one after the other, itself counted."""
    depths: dict[str, int] = {}
    for each, own in [*((each.name, own) for each, own in current.derived), ("", tree)]:
        depths[each] = 1 + max((depths[name] for name in _names_in(own) if name in depths), default=0)
    return depths[""]


def derived_using(current: DeclaredSet, name: str) -> Sequence[str]:
    """Returns the names of the derived features that are computed of a feature."""
    return [each.name for each, tree in current.derived if name in _names_in(tree)]


def _read(declared: DeclaredFeatures, types: Mapping[str, EventType]) -> Collection[str]:
    """Returns the names of the features that the logs have all of, or that are computed of such."""
    current = declared.current
    graph = {each.name for each in current.graph}
    features = {each.name for each in current.aggregates} | graph
    read = set(features_read(written_logs(declared, types))) - _not_totalled(declared, types)
    read |= graph if declared.linked else set()
    for each, tree in current.derived:
        features.add(each.name)
        if read >= _names_in(tree) & features:
            read.add(each.name)
    return read


def _not_totalled(declared: DeclaredFeatures, types: Mapping[str, EventType]) -> Set[str]:
    """Returns the names of the features whose daily totals are not whole."""
    by_day = [each for each in declared.current.aggregates if each.by_day]
    plans = plan_kinds(declared.current.aggregates, types) if by_day else {}
    return {each.name for each in by_day if daily_stream(plans[each.kind], each).number not in declared.totalled}


def _names_in(tree: str) -> frozenset[str]:
    return references(tree_from_json(json.loads(tree)))
