"""Declares, reads, lists, describes and deletes features."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from meshkit.preconditions import etag_mismatch
from services.fraud import errors
from services.fraud.domain.declared.checking import MOST_FEATURES, check_features, name_problems
from services.fraud.domain.declared.declaration import (
    DeclaredFeature,
    DeclaredFeatures,
    DeclaredSet,
    Definition,
    DerivedFeature,
)
from services.fraud.domain.declared.feature import Feature
from services.fraud.domain.declared.starter import BASES
from services.fraud.domain.declared.written import features_read, written_logs
from services.fraud.domain.declaring import DeclaredType, all_types
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.tree import references, tree_from_json
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.checking import ContentFault
from services.fraud.domain.scenarios.scenario import ScenarioContent
from services.fraud.domain.scenarios.vocabulary import of_all, of_event
from services.fraud.ports import EventTypes, FeatureChanges, FeatureReads
from services.fraud.ports.scenarios import RuleChecker

__all__ = ["FeatureService", "KnownFeature"]

Types = Mapping[str, EventType]
DEEPEST = 8
"""Derived features that are computed of each other."""
_WORD = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*")


@dataclass(frozen=True, slots=True)
class KnownFeature:
    """A feature of a tenant, or one that every tenant has."""

    declared: DeclaredFeature
    built_in: bool
    is_read: bool
    """False while the logs do not have all that it needs: it has no value until then."""


class FeatureService:
    """Keeps the features of tenants. `tenant_id` is that of the verified caller.

    What changes something does so in the transaction that it is given.
    """

    def __init__(self, features: FeatureReads, event_types: EventTypes, checker: RuleChecker) -> None:
        self._features = features
        self._event_types = event_types
        self._checker = checker

    async def create(self, changes: FeatureChanges, definition: Definition, description: str) -> KnownFeature:
        """Raises RESOURCE_EXISTS and VALIDATION_FAILED."""
        declared = await changes.declared()
        types = _types(await changes.event_types())
        current = declared.current
        if definition.name in current.names:
            raise errors.feature_exists()
        if len(current.features) >= MOST_FEATURES:
            raise errors.too_many_features(MOST_FEATURES)
        tree = self._check(definition, current, types)
        new = DeclaredFeature(definition=definition, tree=tree, description=description, revision=current.number + 1)
        following = current.following([*current.features, new], types)
        *_, made = await changes.put(following)
        return _known(made, declared._replace(current=following), types)

    async def get(self, tenant_id: str, name: str) -> KnownFeature:
        """Raises RESOURCE_NOT_FOUND."""
        return _found(await self._all(tenant_id), name)

    async def page(self, tenant_id: str, after: str, limit: int) -> tuple[Sequence[KnownFeature], bool]:
        """Returns at most `limit` features, in the order of their names after one, and whether there are more."""
        known = (await self._all(tenant_id)).items()
        following = [each for name, each in sorted(known) if name > after]
        return following[:limit], len(following) > limit

    async def describe(
        self,
        changes: FeatureChanges,
        name: str,
        description: str | None,
        *,
        admits: Callable[[int], bool],
        check: Callable[[KnownFeature], None],
    ) -> KnownFeature:
        """Says something else of a feature, in a state that is admitted and of which `check` finds nothing wrong.

        Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH, VALIDATION_FAILED, and STATE_NOT_ALLOWED for one that is built in.
        """
        declared, types, found = await _locked(changes, name, admits)
        check(found)
        if description is None or description == found.declared.description:
            return found
        if found.built_in:
            raise errors.feature_built_in()
        current = declared.current
        changed = replace(found.declared, description=description, revision=current.number + 1)
        features = [changed if each.name == name else each for each in current.features]
        stored = await changes.put(current.following(features, types))
        return replace(found, declared=next(each for each in stored if each.name == name))

    async def delete(self, changes: FeatureChanges, name: str, *, admits: Callable[[int], bool]) -> None:
        """Lets a feature be computed no longer.

        Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH, and STATE_NOT_ALLOWED for one that is built in or in use.
        """
        declared, types, found = await _locked(changes, name, admits)
        if found.built_in:
            raise errors.feature_built_in()
        current = declared.current
        using = [*_using(current, name), *(each.name for each in await changes.contents() if _says(each.content, name))]
        if using:
            raise errors.feature_in_use(using)
        await changes.put(current.following([each for each in current.features if each.name != name], types))

    async def _all(self, tenant_id: str) -> Mapping[str, KnownFeature]:
        declared = await self._features.declared(tenant_id)
        return _all_known(declared, _types(await self._event_types.all(tenant_id)))

    def _check(self, definition: Definition, current: DeclaredSet, types: Types) -> str:
        """Returns the checked tree of the feature's expression, empty if it has none. Raises VALIDATION_FAILED."""
        if isinstance(definition, DerivedFeature):
            tree, faults = self._check_derived(definition, current, types)
        else:
            tree, faults = self._check_aggregate(definition, current, types)
        if faults:
            raise errors.content_refused(faults, "feature.")
        return tree

    def _check_aggregate(
        self, feature: Feature, current: DeclaredSet, types: Types
    ) -> tuple[str, Sequence[ContentFault]]:
        beside = [each for each in current.aggregates if each.kind == feature.kind]
        problems = [
            ContentFault(each.field, f"{each.field}.valid", each.words)
            for each in check_features([*beside, feature], types)
            if each.feature in ("", feature.name)
        ]
        if not feature.where or not types.keys() >= set(feature.counted):
            return "", problems
        variables = of_all([types[name] for name in feature.counted])
        tree, faults = self._checked("where", feature.where, variables, ValueKind.BOOL)
        return tree, [*problems, *faults]

    def _check_derived(
        self, feature: DerivedFeature, current: DeclaredSet, types: Types
    ) -> tuple[str, Sequence[ContentFault]]:
        problems = [ContentFault("name", "name.valid", words) for words in name_problems(feature.name, types)]
        event_type = types.get(feature.event_type)
        if event_type is None:
            words = f"names the event type {feature.event_type}, which does not exist"
            return "", [*problems, ContentFault("event_type", "event_type.valid", words)]
        aggregates = [each for each in current.aggregates if each.event_type == event_type.name]
        derived = [each.name for each, _ in current.derived if each.event_type == event_type.name]
        variables = of_event(event_type, aggregates, derived)
        tree, faults = self._checked("expression", feature.expression, variables, ValueKind.DOUBLE)
        if tree and _depth(tree, current) > DEEPEST:
            words = f"must not hang on more than {DEEPEST - 1} derived features one after the other"
            faults = [ContentFault("expression", "expression.depth", words)]
        return tree, [*problems, *faults]

    def _checked(
        self, place: str, text: str, variables: Mapping[str, ValueKind], result: ValueKind
    ) -> tuple[str, Sequence[ContentFault]]:
        found = self._checker.check(text, variables, result)
        if isinstance(found, str):
            return found, ()
        return "", [ContentFault(place, f"{place}.type", each.message, each.line, each.column) for each in found]


def _types(declared: Iterable[DeclaredType]) -> Types:
    return {name: each.event_type for name, each in all_types(declared).items()}


async def _locked(
    changes: FeatureChanges, name: str, admits: Callable[[int], bool]
) -> tuple[DeclaredFeatures, Types, KnownFeature]:
    declared = await changes.declared()
    types = _types(await changes.event_types())
    found = _found(_all_known(declared, types), name)
    if not admits(found.declared.revision):
        raise etag_mismatch()
    return declared, types, found


def _all_known(declared: DeclaredFeatures, types: Types) -> Mapping[str, KnownFeature]:
    """Returns the features by name. One that is to be converted is for the engine alone."""
    current, read = declared.current, _read(declared, types)
    built_in = [DeclaredFeature(definition=each) for each in BASES[current.base] if not each.converted]
    found = {each.name: KnownFeature(each, True, each.name in read) for each in built_in}
    return found | {each.name: KnownFeature(each, False, each.name in read) for each in current.features}


def _known(made: DeclaredFeature, declared: DeclaredFeatures, types: Types) -> KnownFeature:
    return KnownFeature(made, False, made.name in _read(declared, types))


def _read(declared: DeclaredFeatures, types: Types) -> Collection[str]:
    """Returns the names of the features that the logs have all of, or that are computed of such."""
    current = declared.current
    aggregates = {each.name for each in current.aggregates}
    read = set(features_read(written_logs(declared, types)))
    for each, tree in current.derived:
        aggregates.add(each.name)
        if read >= _names_in(tree) & aggregates:
            read.add(each.name)
    return read


def _names_in(tree: str) -> frozenset[str]:
    return references(tree_from_json(json.loads(tree)))


def _depth(tree: str, current: DeclaredSet) -> int:
    """Returns how many derived features an expression hangs on, one after the other, itself counted."""
    depths: dict[str, int] = {}
    for each, own in [*((each.name, own) for each, own in current.derived), ("", tree)]:
        depths[each] = 1 + max((depths[name] for name in _names_in(own) if name in depths), default=0)
    return depths[""]


def _using(current: DeclaredSet, name: str) -> Iterator[str]:
    return (f"the derived feature {each.name}" for each, tree in current.derived if name in _names_in(tree))


def _says(content: ScenarioContent, name: str) -> bool:
    """Tells whether rules have the name as a word, be it within quotes: better one use too many than one too few."""
    return any(name in _WORD.findall(text) for rule in content.rules for text in (rule.expression, rule.words))


def _found(known: Mapping[str, KnownFeature], name: str) -> KnownFeature:
    found = known.get(name)
    if found is None:
        raise errors.found_none("feature")
    return found
