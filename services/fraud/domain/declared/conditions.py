"""Makes conditions of the `where` of features: what tells whether an event counts."""

from __future__ import annotations

from collections.abc import Mapping

from services.fraud.domain.declared.recording import Condition
from services.fraud.domain.event import Fields, FieldValue, Money
from services.fraud.domain.expressions.generate import Patterns
from services.fraud.domain.expressions.run import value_of
from services.fraud.domain.expressions.tree import Tree, references

__all__ = ["condition_of"]


def condition_of(tree: Tree, digits: Mapping[str, int], patterns: Patterns) -> Condition:
    """Returns what tells whether a `where` holds; where it has no value it does not. Raises as `value_of` does.

    `digits` are those of each currency after the point.
    """
    names = sorted(references(tree))
    compute = value_of(tree, {name: slot for slot, name in enumerate(names)}, patterns)

    def holds(fields: Fields) -> bool:
        return compute([_seen(fields.get(name), digits) for name in names]) is True

    return holds


def _seen(value: FieldValue | None, digits: Mapping[str, int]) -> object:
    return value.minor / 10 ** digits.get(value.currency, 0) if isinstance(value, Money) else value
