"""Evaluates trees node by node, with failures as values: why generated code found none, or raised.

Slower than generated code, but it knows which operand failed, so `false && error` is false and `true || error` true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any

from services.fraud.domain.expressions.functions import Loose, Overload
from services.fraud.domain.expressions.generate import TOOLS, Patterns, prepare
from services.fraud.domain.expressions.tree import Calculation, Constant, Constants, NamedValue, Node

__all__ = ["Evaluate", "Failure", "evaluator"]


class Failure(Enum):
    """Why an expression has no value. A missing value is the reason if an error is one as well."""

    ERROR = "error"
    """An overflow, a division by zero, or a text that does not say what a function needs."""
    NOT_ENOUGH_DATA = "not_enough_data"
    """It hangs on a value that is missing."""


Evaluate = Callable[[Sequence[object]], Any]
"""Takes the values of the slots; returns the value, or a Failure."""


def evaluator(node: Node, slots: Mapping[str, int], patterns: Patterns) -> Evaluate:
    """Returns what evaluates the node. Raises KeyError for a name without a slot."""
    match node:
        case Constant(_, value):
            return lambda _: value
        case Constants(_, values):
            found = frozenset(each.value for each in values)
            return lambda _: found
        case NamedValue(name, _):
            slot = slots[name]
            return lambda values: Failure.NOT_ENOUGH_DATA if (value := values[slot]) is None else value
    prepared = node.function.prepared
    if prepared and isinstance(literal := node.arguments[-1], Constant):
        made = prepare(prepared, str(literal.value), patterns)
        parts = [evaluator(each, slots, patterns) for each in node.arguments[:-1]]
        return _strict(node.overload, [*parts, lambda _: made])
    return _operation(node, [evaluator(each, slots, patterns) for each in node.arguments])


def _operation(node: Calculation, parts: Sequence[Evaluate]) -> Evaluate:
    match node.function.name:
        case "_&&_":
            return _chain(parts, False)
        case "_||_":
            return _chain(parts, True)
        case "!_":
            return _negation(parts[0])
        case "_?_:_":
            return _choice(*parts)
    if node.overload.parameters == (Loose.NAME,):
        part = parts[0]
        return lambda values: part(values) is not Failure.NOT_ENOUGH_DATA
    return _strict(node.overload, parts)


def _strict(overload: Overload, parts: Sequence[Evaluate]) -> Evaluate:
    run = _function(overload)

    def evaluate(values: Sequence[object]) -> Any:
        arguments = [part(values) for part in parts]
        failures = [each for each in arguments if isinstance(each, Failure)]
        if failures:
            return _worst(failures)
        try:
            found = run(*arguments)
        except Exception:
            # Whatever it is, it is this expression's failure and nobody else's.
            return Failure.ERROR
        return Failure.ERROR if found is None else found

    return evaluate


def _chain(parts: Sequence[Evaluate], decides: bool) -> Evaluate:
    def evaluate(values: Sequence[object]) -> Any:
        failures = []
        for part in parts:
            value = part(values)
            if isinstance(value, Failure):
                failures.append(value)
            elif value is decides:
                return decides
        return _worst(failures) if failures else not decides

    return evaluate


def _negation(part: Evaluate) -> Evaluate:
    def evaluate(values: Sequence[object]) -> Any:
        value = part(values)
        return value if isinstance(value, Failure) else not value

    return evaluate


def _choice(condition: Evaluate, first: Evaluate, second: Evaluate) -> Evaluate:
    def evaluate(values: Sequence[object]) -> Any:
        value = condition(values)
        if isinstance(value, Failure):
            return value
        return first(values) if value else second(values)

    return evaluate


def _worst(failures: Sequence[Failure]) -> Failure:
    return Failure.NOT_ENOUGH_DATA if Failure.NOT_ENOUGH_DATA in failures else Failure.ERROR


@cache
def _function(overload: Overload) -> Callable[..., Any]:
    names = [f"a{number}" for number in range(len(overload.parameters))]
    code = f"lambda {', '.join(names)}: {overload.code.format(*names)}"
    found: Callable[..., Any] = eval(code, dict(TOOLS))  # noqa: S307  # a template of the table
    return found
