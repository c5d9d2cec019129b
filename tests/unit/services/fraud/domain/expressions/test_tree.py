"""Trees come back from JSON as they were, and JSON that is none is refused, whatever it says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.fraud.domain.expressions.functions import OVERLOADS, Loose
from services.fraud.domain.expressions.tree import (
    Calculation,
    Constant,
    Constants,
    NamedValue,
    Tree,
    cost_of,
    references,
    tree_from_json,
    tree_to_json,
)
from services.fraud.domain.expressions.types import ValueKind

AMOUNT = NamedValue("amount", ValueKind.DOUBLE)
NUMBER = Constant(ValueKind.DOUBLE, 200.0)
LARGE = Calculation(OVERLOADS["greater_double_double"][1], (AMOUNT, NUMBER))
KNOWN = Calculation(OVERLOADS["present"][1], (NamedValue("phone", ValueKind.STRING),))
HELD = Calculation(OVERLOADS["in_double"][1], (AMOUNT, Constants(Loose.NUMBERS, (NUMBER, Constant(ValueKind.INT, 3)))))
LATE = Calculation(
    OVERLOADS["less_time_time"][1],
    (NamedValue("at", ValueKind.TIME), Constant(ValueKind.TIME, datetime(2026, 1, 31, tzinfo=UTC))),
)
NODE = {"kind": "double", "name": "amount"}


@pytest.mark.parametrize("root", [AMOUNT, NUMBER, LARGE, KNOWN, HELD, LATE])
def test_tree_comes_back_from_json(root: Any) -> None:
    tree = Tree(root)
    assert tree_from_json(json.loads(json.dumps(tree_to_json(tree)))) == tree


def test_a_number_that_lost_its_fraction_is_the_number() -> None:
    assert tree_from_json({"version": 1, "root": {"kind": "double", "value": 200}}) == Tree(NUMBER)


def nested(depth: int) -> dict[str, Any]:
    node: dict[str, Any] = {"kind": "bool", "value": True}
    for _ in range(depth):
        node = {"call": "not", "arguments": [node]}
    return node


@pytest.mark.parametrize(
    "root",
    [
        None, 1, "x", [], {}, {"kind": "double"}, {**NODE, "more": 1}, {"kind": "uint", "name": "x"},
        {"call": "__import__", "arguments": []}, {"call": "not", "arguments": []}, {"call": "not", "arguments": [NODE]},
        {"call": "present", "arguments": [{"kind": "bool", "value": True}]},
        {"call": "matches_string", "arguments": [{"kind": "string", "name": "a"}, {"kind": "string", "name": "b"}]},
        {"kind": "double", "value": float("inf")}, {"kind": "double", "value": float("nan")},
        {"kind": "double", "value": 10**400}, {"kind": "double", "value": True}, {"kind": "int", "value": 2**63},
        {"kind": "int", "value": True}, {"kind": "bool", "value": 1}, {"kind": "string", "value": 1},
        {"kind": "time", "value": "today"}, {"kind": "time", "value": 3}, {"kind": "list", "value": "x"},
        {"kind": "list", "values": [NODE]}, {"kind": "list", "values": [{"kind": "int", "value": 1}]},
        {"kind": "string", "values": []}, {"kind": "name", "values": []}, nested(33), nested(500),
    ],
)  # fmt: skip
def test_what_is_no_tree_is_refused(root: Any) -> None:
    with pytest.raises(ValueError):
        tree_from_json({"version": 1, "root": root})


@pytest.mark.parametrize("data", [{}, {"version": 2, "root": NODE}, {"root": NODE}])
def test_trees_of_other_versions_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        tree_from_json(data)


def test_the_deepest_tree_comes_back() -> None:
    assert tree_from_json({"version": 1, "root": nested(32)}).kind is ValueKind.BOOL


def test_a_tree_beyond_the_bounds_cannot_be_made() -> None:
    found = Calculation(
        OVERLOADS["matches_string"][1], (NamedValue("a", ValueKind.STRING), Constant(ValueKind.STRING, "x"))
    )
    both = Calculation(OVERLOADS["and"][1], (found, found))
    four = Calculation(OVERLOADS["and"][1], (both, both))
    eight = Calculation(OVERLOADS["and"][1], (four, four))
    assert cost_of(Tree(four).root) == 4 * cost_of(found) + 3 * OVERLOADS["and"][1].cost
    with pytest.raises(ValueError, match="too large"):
        Tree(Calculation(OVERLOADS["and"][1], (eight, eight)))


def test_references_are_the_names() -> None:
    root = Calculation(OVERLOADS["and"][1], (LARGE, KNOWN))
    assert references(Tree(root)) == {"amount", "phone"}
