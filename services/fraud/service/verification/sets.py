"""Gathers the feature sets that the decisions of a period name."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from meshkit.tasks import TaskFailure
from services.fraud.domain.declared.declaration import DeclaredSet
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.declared.starter import STARTER
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.generate import Patterns
from services.fraud.domain.verification.union import ComparedSet, united
from services.fraud.ports import FeatureReads
from services.fraud.service.tenants.feature_sets import TENANTS_SET
from services.fraud.service.tenants.features import conditions_of, feature_set_of

__all__ = ["VerifiedSets", "numbers_of", "verified_sets"]

MOST_SETS = 200
MOST_CONDITIONS = 16
"""Of one kind of key: a record has a bit for each."""
SLACK = 3
"""Sets before the first and after the last one that may be named: processes learn of a change at different times."""


class VerifiedSets(NamedTuple):
    """The sets of a period, by version, and all their features as one set."""

    sets: Mapping[str, ComparedSet]
    union: FeatureSet


async def verified_sets(
    features: FeatureReads,
    tenant_id: str,
    types: Mapping[str, EventType],
    versions: Sequence[str],
    only: Collection[str],
    patterns: Patterns,
) -> VerifiedSets:
    """Gathers the sets from the first to the last of some versions. Raises TaskFailure and MeshError."""
    declared = [await features.numbered(tenant_id, number) for number in numbers_of(versions)]
    known = [each for each in declared if each is not None]
    sets = {STARTER.version: ComparedSet(STARTER, only)}
    sets |= {each.version: ComparedSet(feature_set_of(each, types, patterns=patterns), only) for each in known}
    unknown = set(only).difference(*(each.names for each in sets.values()))
    if unknown:
        words = f"must be names of features that are verified in the period, not {', '.join(sorted(unknown))}"
        raise TaskFailure("NoFeatures", words, retryable=False)
    used = {version: each for version, each in sets.items() if each.part.names}
    return VerifiedSets(used, _union(used, types, known, patterns))


def numbers_of(versions: Sequence[str]) -> Sequence[int]:
    """Returns the numbers of the sets that a tenant may have declared between some versions. Raises TaskFailure."""
    numbers = [int(each.removeprefix(TENANTS_SET)) if each.startswith(TENANTS_SET) else 0 for each in versions]
    found = range(max(1, min(numbers, default=0) - SLACK), max(numbers, default=0) + SLACK + 1)
    if len(found) > MOST_SETS:
        words = f"the features changed more than {MOST_SETS} times in the period: verify a shorter one"
        raise TaskFailure("TooManySets", words, retryable=False)
    return found


def _union(
    sets: Mapping[str, ComparedSet], types: Mapping[str, EventType], declared: Sequence[DeclaredSet], patterns: Patterns
) -> FeatureSet:
    union = FeatureSet("", united(list(sets.values())), types, conditions_of(declared, patterns))
    if any(len(plan.filters) > MOST_CONDITIONS for plan in union.plans.values()):
        words = "the features of one key had too many conditions in the period: verify fewer features at a time"
        raise TaskFailure("TooManyConditions", words, retryable=False)
    return union
