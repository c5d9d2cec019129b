"""Declares, reads, lists, describes and deletes features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from meshkit.preconditions import etag_mismatch
from services.fraud import errors
from services.fraud.domain.declared.checking import MOST_FEATURES, by_day_problems, check_features, name_problems
from services.fraud.domain.declared.declaration import (
    DeclaredFeature,
    DeclaredFeatures,
    DeclaredSet,
    Definition,
    DerivedFeature,
)
from services.fraud.domain.declared.feature import Feature
from services.fraud.domain.declared.graph import GraphFeature, graph_faults
from services.fraud.domain.declared.known import KnownFeature, depth_of, derived_using, known_features
from services.fraud.domain.declaring import DeclaredType, all_types
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.tree import cost_of_texts
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.faults import ContentFault
from services.fraud.domain.scenarios.uses import says
from services.fraud.domain.scenarios.vocabulary import PREPARED, of_all, of_event
from services.fraud.ports import EventTypes, FeatureChanges, FeatureReads
from services.fraud.ports.scenarios import RuleChecker

__all__ = ["FeatureService"]

Types = Mapping[str, EventType]
DEEPEST = 8
"""Derived features that are computed of each other."""
MOST_COST = 1_000_000
"""Of all expressions of a tenant together, in 10 ns: 10 ms at worst, in which a process decides for nobody else."""


class FeatureService:
    """Keeps the features of tenants. `tenant_id` is that of the verified caller.

    What changes something does so in the transaction that it is given.
    """

    def __init__(self, features: FeatureReads, event_types: EventTypes, checker: RuleChecker) -> None:
        self._features = features
        self._event_types = event_types
        self._checker = checker

    async def create(self, changes: FeatureChanges, definition: Definition, description: str) -> KnownFeature:
        """Raises RESOURCE_EXISTS and VALIDATION_FAILED, also for what costs too much together with all others."""
        declared = await changes.declared()
        types = _types(await changes.event_types())
        current = declared.current
        if definition.name in current.names:
            raise errors.feature_exists()
        if len(current.features) >= MOST_FEATURES:
            raise errors.too_many_features(MOST_FEATURES)
        tree = self._check(definition, current, types)
        if tree and cost_of_texts([tree, *(each.tree for each in current.features if each.tree)]) > MOST_COST:
            raise errors.features_too_costly(MOST_COST // 100_000)
        new = DeclaredFeature(definition=definition, tree=tree, description=description, revision=current.number + 1)
        following = current.following([*current.features, new], types)
        stored = await changes.put(following)
        return known_features(declared._replace(current=stored), types)[definition.name]

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
        return known_features(declared._replace(current=stored), types)[name]

    async def delete(self, changes: FeatureChanges, name: str, *, admits: Callable[[int], bool]) -> None:
        """Lets a feature be computed no longer.

        Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH, and STATE_NOT_ALLOWED for one that is built in or in use.
        """
        declared, types, found = await _locked(changes, name, admits)
        if found.built_in:
            raise errors.feature_built_in()
        current = declared.current
        using = [f"the derived feature {each}" for each in derived_using(current, name)]
        using += [each.name for each in await changes.contents() if says(each.content, name)]
        if using:
            raise errors.feature_in_use(using)
        await changes.put(current.following([each for each in current.features if each.name != name], types))

    async def _all(self, tenant_id: str) -> Mapping[str, KnownFeature]:
        declared = await self._features.declared(tenant_id)
        return known_features(declared, _types(await self._event_types.all(tenant_id)))

    def _check(self, definition: Definition, current: DeclaredSet, types: Types) -> str:
        """Returns the checked tree of the feature's expression, empty if it has none. Raises VALIDATION_FAILED."""
        if isinstance(definition, DerivedFeature):
            tree, faults = self._check_derived(definition, current, types)
        elif isinstance(definition, GraphFeature):
            tree, faults = "", _graph_problems(definition, types)
        else:
            tree, faults = self._check_aggregate(definition, current, types)
        if faults:
            raise errors.content_refused(faults, "feature.")
        return tree

    def _check_aggregate(
        self, feature: Feature, current: DeclaredSet, types: Types
    ) -> tuple[str, Sequence[ContentFault]]:
        beside = [each for each in current.aggregates if each.kind == feature.kind]
        found = [*check_features([*beside, feature], types, PREPARED), *by_day_problems(feature, current.aggregates)]
        problems = [
            ContentFault(each.field, f"{each.field}.valid", each.words)
            for each in found
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
        problems = [ContentFault("name", "name.valid", words) for words in name_problems(feature.name, types, PREPARED)]
        event_type = types.get(feature.event_type)
        if event_type is None:
            words = f"names the event type {feature.event_type}, which does not exist"
            return "", [*problems, ContentFault("event_type", "event_type.valid", words)]
        derived = [each.name for each, _ in current.derived if each.event_type == event_type.name]
        variables = of_event(event_type, current.read_by(event_type.name), derived)
        tree, faults = self._checked("expression", feature.expression, variables, ValueKind.DOUBLE)
        if tree and depth_of(tree, current) > DEEPEST:
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


def _graph_problems(feature: GraphFeature, types: Types) -> Sequence[ContentFault]:
    problems = [("name", words) for words in name_problems(feature.name, types, PREPARED)]
    return [ContentFault(place, f"{place}.valid", words) for place, words in (*problems, *graph_faults(feature, types))]


def _types(declared: Iterable[DeclaredType]) -> Types:
    return {name: each.event_type for name, each in all_types(declared).items()}


async def _locked(
    changes: FeatureChanges, name: str, admits: Callable[[int], bool]
) -> tuple[DeclaredFeatures, Types, KnownFeature]:
    declared = await changes.declared()
    types = _types(await changes.event_types())
    found = _found(known_features(declared, types), name)
    if not admits(found.declared.revision):
        raise etag_mismatch()
    return declared, types, found


def _found(known: Mapping[str, KnownFeature], name: str) -> KnownFeature:
    found = known.get(name)
    if found is None:
        raise errors.found_none("feature")
    return found
