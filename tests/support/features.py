"""Features that tenants declare, for tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.fraud.domain.declared.declaration import DeclaredFeature, DeclaredSet, Definition, DerivedFeature
from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.vocabulary import of_all, of_event
from services.fraud.expressions.rules import CelRules
from services.fraud.ports import FeatureWriter

__all__ = ["DAY_MS", "HOUR_MS", "counting", "declare", "declared", "following"]

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def counting(name: str, key: str = "user_id", **changed: Any) -> Feature:
    """Returns a count of a user's payments in an hour, with some changed."""
    values: dict[str, Any] = {
        "event_type": "payment", "aggregate": Aggregate.COUNT, "window_ms": HOUR_MS, "key": tuple(key.split("+"))
    }  # fmt: skip
    return Feature(name=name, **values | changed)


def declared(definition: Definition, before: DeclaredSet, **changed: Any) -> DeclaredFeature:
    """Returns a definition as it is declared after others, with its checked expression."""
    return DeclaredFeature(definition=definition, tree=_tree(definition, before), revision=before.number + 1, **changed)


def following(before: DeclaredSet, *new: Definition, without: Sequence[str] = ()) -> DeclaredSet:
    """Returns the set after one, with further features and without some."""
    made = [*before.features, *(declared(each, before) for each in new)]
    return before.following([each for each in made if each.name not in without], BUILT_IN)


async def declare(writer: FeatureWriter, tenant: str, *new: Definition, without: Sequence[str] = ()) -> DeclaredSet:
    """Declares features of the built-in event types one after the other, and retires some with the last."""
    async with writer.begin(tenant) as changes:
        current = (await changes.declared()).current
        return await changes.put(following(current, *new, without=without))


def _tree(definition: Definition, before: DeclaredSet) -> str:
    if isinstance(definition, DerivedFeature):
        names = [each.name for each, _ in before.derived]
        variables = of_event(BUILT_IN[definition.event_type], [*before.aggregates, *before.graph], names)
        found = CelRules().check(definition.expression, variables, ValueKind.DOUBLE)
    elif isinstance(definition, Feature) and definition.where:
        found = CelRules().check(definition.where, of_all([BUILT_IN[each] for each in definition.counted]))
    else:
        return ""
    assert isinstance(found, str), found
    return found
