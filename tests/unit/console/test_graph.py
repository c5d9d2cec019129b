"""Runs `rampart graph` against a real HTTP server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.__main__ import main
from tests.support.task_edge import TaskEdge

Capture = pytest.CaptureFixture[str]
TIME = "2026-01-01T00:00:00Z"


def entity(value: str, depth: int, **changed: Any) -> dict[str, Any]:
    names = ("degree", "component_size", "component_growth", "fraud_within_two_hops", "frauds", "fan_in", "fan_out",
             "most_repeats", "cycles")  # fmt: skip
    fixed = {"kind": "account", "value": value, "depth": depth, "is_hub": False, "partial": False}
    return {**fixed, **dict.fromkeys(names, 0), "first_time": TIME, "last_time": TIME, **changed}


def link(source: int, target: int, *, transfer: bool = True) -> dict[str, Any]:
    return {"source": source, "target": target, "is_transfer": transfer, "events": 3}


AROUND = {
    "entities": [entity("one", 0), entity("two", 1, frauds=2), entity("three", 1, is_hub=True, degree=99),
                 entity("four", 2)],
    "links": [link(0, 1), link(2, 0), link(1, 3, transfer=False)], "partial": True, "as_of": TIME,
}  # fmt: skip


def command(home: Path, *arguments: str) -> int:
    return main(["graph", *arguments, "--home", str(home)])


def test_a_neighbourhood_is_a_tree(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    edge.answer = lambda call: (200, AROUND)
    assert command(home, "neighbourhood", "account", "one&only", "--depth", "3") == 0
    (call,) = edge.calls
    assert call.path == "/api/v1/graph/neighbourhood"
    assert call.query == {"kind": "account", "value": "one&only", "depth": "3", "max_nodes": "100"}
    root, two, four, three, said = capsys.readouterr().out.splitlines()
    assert root == "account one"
    assert "→ 3 × account two  2 known frauds" in two
    assert four.index("3 × account four") > two.index("→")
    assert "← 3 × account three  hub of 99" in three
    assert "4 entities" in said and "and there is more" in said
    assert command(home, "neighbourhood", "account", "one", "--json") == 0
    assert json.loads(capsys.readouterr().out) == AROUND


def test_entities_are_a_table(home: Path, edge: TaskEdge, capsys: Capture) -> None:
    money = {"amount": 12.5, "currency": "EUR"}
    found = [{"index": 1, "entity": entity("two", 0, smallest_repeated=money, component_size=7, partial=True)}]
    edge.answer = lambda call: (200, {"entities": found, "as_of": TIME})
    assert command(home, "entities", "account", "one", "two") == 0
    shown = capsys.readouterr().out
    for words in ("two", "12.50 EUR", "7 and more"):
        assert words in shown
    edge.answer = lambda call: (200, {"entities": [], "as_of": TIME})
    assert command(home, "entities", "account", "one") == 0
    assert "no such entities in the graph" in capsys.readouterr().out
