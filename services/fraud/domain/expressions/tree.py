"""The tree of a checked expression: small, immutable, kept as JSON with what it decides."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.fraud.domain.expressions.arithmetic import LARGEST_INT, SMALLEST_INT
from services.fraud.domain.expressions.functions import OVERLOADS, Function, Loose, Overload, Parameter
from services.fraud.domain.expressions.texts import time_of
from services.fraud.domain.expressions.types import ValueKind

__all__ = [
    "DEEPEST",
    "MOST_COST",
    "MOST_NODES",
    "Calculation",
    "Constant",
    "Constants",
    "NamedValue",
    "Node",
    "Tree",
    "cost_of",
    "cost_of_texts",
    "references",
    "tree_from_json",
    "tree_to_json",
]

DEEPEST = 33
"""Operations within each other: 32 of a text, and one that widens the result."""
MOST_NODES = 201
MOST_COST = 100_000
"""Of one expression, in 10 ns: at worst about 1 ms, for the longest texts that anyone can think of."""

Scalar = str | int | float | bool | datetime
_TYPES = {
    ValueKind.STRING: str,
    ValueKind.INT: int,
    ValueKind.DOUBLE: float,
    ValueKind.BOOL: bool,
    ValueKind.TIME: datetime,
}


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal."""

    kind: ValueKind
    value: Scalar

    def __post_init__(self) -> None:
        if type(self.value) is not _TYPES.get(self.kind):
            raise ValueError(f"{self.kind.value} cannot be {type(self.value).__name__}")
        if self.kind is ValueKind.DOUBLE and not math.isfinite(self.value):  # type: ignore[arg-type]
            raise ValueError("not finite")
        if self.kind is ValueKind.INT and not SMALLEST_INT <= self.value <= LARGEST_INT:  # type: ignore[operator]
            raise ValueError("beyond 64 bits")


@dataclass(frozen=True, slots=True)
class Constants:
    """A list of literals: texts or numbers."""

    kind: Parameter
    values: tuple[Constant, ...]

    def __post_init__(self) -> None:
        if self.kind not in (ValueKind.STRING_LIST, Loose.NUMBERS):
            raise ValueError("not a list")
        texts = self.kind is ValueKind.STRING_LIST
        allowed = (ValueKind.STRING,) if texts else (ValueKind.INT, ValueKind.DOUBLE)
        if any(each.kind not in allowed for each in self.values):
            raise ValueError("a list of texts and numbers")


@dataclass(frozen=True, slots=True)
class NamedValue:
    """A name whose value comes with each decision."""

    name: str
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class Calculation:
    """An overload of the table with its arguments."""

    overload: Overload
    arguments: tuple[Node, ...]

    def __post_init__(self) -> None:
        if len(self.arguments) != len(self.overload.parameters):
            raise ValueError(f"{self.overload.id} takes {len(self.overload.parameters)} arguments")
        if not all(map(_fits, self.arguments, self.overload.parameters)):
            raise ValueError(f"{self.overload.id} does not take such arguments")
        if self.function.prepared and not isinstance(self.arguments[-1], Constant):
            raise ValueError(f"{self.overload.id} takes a literal")

    @property
    def kind(self) -> ValueKind:
        return self.overload.result

    @property
    def function(self) -> Function:
        return OVERLOADS[self.overload.id][0]


Node = Constant | Constants | NamedValue | Calculation


def _fits(argument: Node, parameter: Parameter) -> bool:
    return isinstance(argument, NamedValue) if parameter is Loose.NAME else argument.kind is parameter


@dataclass(frozen=True, slots=True)
class Tree:
    """A checked expression. Raises ValueError beyond the bounds of size, depth and cost."""

    root: Node

    def __post_init__(self) -> None:
        sizes = list(_walk(self.root, 1))
        if len(sizes) > MOST_NODES or max(depth for _, depth in sizes) > DEEPEST or cost_of(self.root) > MOST_COST:
            raise ValueError("too large an expression")

    @property
    def kind(self) -> Parameter:
        return self.root.kind


def _walk(node: Node, depth: int) -> Iterator[tuple[Node, int]]:
    if depth > DEEPEST + 1:
        raise ValueError("too deep an expression")
    yield node, depth
    if isinstance(node, Calculation):
        for argument in node.arguments:
            yield from _walk(argument, depth + 1)
    elif isinstance(node, Constants):
        yield from ((each, depth) for each in node.values)


def references(tree: Tree) -> frozenset[str]:
    """Returns the names that the expression uses."""
    return frozenset(node.name for node, _ in _walk(tree.root, 1) if isinstance(node, NamedValue))


def cost_of(root: Node) -> int:
    """Returns about how many times 10 ns it takes to evaluate the expression at worst, on the longest texts."""
    return sum(node.overload.cost if isinstance(node, Calculation) else 1 for node, _ in _walk(root, 1))


def cost_of_texts(trees: Iterable[str]) -> int:
    """Returns what checked expressions, serialised, cost together."""
    return sum(cost_of(tree_from_json(json.loads(tree)).root) for tree in trees)


def tree_to_json(tree: Tree) -> dict[str, Any]:
    """Writes the tree as an object of JSON."""
    return {"version": 1, "root": _node_to_json(tree.root)}


def _node_to_json(node: Node) -> dict[str, Any]:
    match node:
        case Constant(kind, value):
            return {"kind": kind.value, "value": value.isoformat() if isinstance(value, datetime) else value}
        case Constants(kind, values):
            return {"kind": kind.value, "values": [_node_to_json(each) for each in values]}
        case NamedValue(name, kind):
            return {"kind": kind.value, "name": name}
        case Calculation(overload, arguments):
            return {"call": overload.id, "arguments": [_node_to_json(each) for each in arguments]}


def tree_from_json(data: Mapping[str, Any]) -> Tree:
    """Reads what `tree_to_json` wrote. Raises ValueError for anything else, whatever it holds."""
    if data.get("version") != 1:
        raise ValueError("not a tree of this version")
    return Tree(_node_from_json(data.get("root"), 1))


def _node_from_json(data: Any, depth: int) -> Node:
    if depth > DEEPEST:
        raise ValueError("too deep an expression")
    match data:
        case {"call": str(name), "arguments": [*arguments], **rest} if not rest and name in OVERLOADS:
            return Calculation(OVERLOADS[name][1], tuple(_node_from_json(each, depth + 1) for each in arguments))
        case {"kind": str(kind), "name": str(name), **rest} if not rest:
            return NamedValue(name, ValueKind(kind))
        case {"kind": str(kind), "values": [*values], **rest} if not rest:
            return Constants(_list_kind(kind), _constants_from_json(values))
        case {"kind": str(kind), "value": value, **rest} if not rest:
            return _constant_from_json(ValueKind(kind), value)
    raise ValueError("not a node of a tree")


def _list_kind(kind: str) -> Parameter:
    return ValueKind.STRING_LIST if kind == ValueKind.STRING_LIST.value else Loose(kind)


def _constants_from_json(values: Sequence[Any]) -> tuple[Constant, ...]:
    nodes = [_node_from_json(each, DEEPEST) for each in values]
    constants = tuple(node for node in nodes if isinstance(node, Constant))
    if len(constants) != len(nodes):
        raise ValueError("a list of what is no literal")
    return constants


def _constant_from_json(kind: ValueKind, value: Any) -> Constant:
    if kind is ValueKind.TIME and isinstance(value, str):
        return Constant(kind, time_of(value).astimezone(UTC))
    if kind is ValueKind.DOUBLE and type(value) is int and SMALLEST_INT <= value <= LARGEST_INT:
        # Some writers of JSON drop the fraction of 200.0.
        return Constant(kind, float(value))
    return Constant(kind, value)
