"""`rampart scenario shadow`: what a version in the shadow would have answered."""

from __future__ import annotations

import argparse
import json

from console.api import Api, Json
from console.scenario.rules import scenario_path
from console.tables import output, table, when

__all__ = ["shadow"]

OUTCOMES = ("approve", "review", "decline")
RULES = ("rule", "only answered", "only in the shadow", "both")
EXAMPLES = ("decision_id", "answered", "in the shadow", "rules no longer", "rules as well")


async def shadow(api: Api, arguments: argparse.Namespace) -> int:
    """Shows the report of a version."""
    path = f"{scenario_path(arguments.scenario_id)}/versions/{arguments.version}/shadow-report"
    report = await api.call("GET", path)
    if arguments.json:
        print(json.dumps(report))
        return 0
    console, decisions = output(), int(report["decisions"])
    console.print(_summary(report), markup=False, soft_wrap=True)
    if decisions:
        console.print(table(("answered", *(f"{name} in the shadow" for name in OUTCOMES)), _outcomes(report)))
    if report["rules"]:
        console.print(table(RULES, map(_rule_row, report["rules"])))
    for name, words in (("errors", "could not be evaluated"), ("not_enough_data", "lacked a value")):
        for rule, count in sorted(report[name].items()):
            console.print(f"rule {rule} {words} in {count} decisions", markup=False, soft_wrap=True)
    if report["examples"]:
        console.print(table(EXAMPLES, map(_example_row, report["examples"])))
    return 0


def _summary(report: Json) -> str:
    same = sum(int(each["decisions"]) for each in report["outcomes"] if each["answered"] == each["shadowed"])
    said = f"{report['decisions']} decisions judged, {int(report['decisions']) - same} with another outcome"
    if report.get("start_time"):
        said += f", from {when(report['start_time'])} to {when(report['end_time'])}"
    for name, words in (("missed", "not judged for want of time"), ("failed", "not judged because of a fault")):
        if int(report[name]):
            said += f"; {report[name]} {words}"
    return said


def _outcomes(report: Json) -> list[list[str]]:
    counts = {(each["answered"], each["shadowed"]): str(each["decisions"]) for each in report["outcomes"]}
    return [[answered, *(counts.get((answered, shadowed), "0") for shadowed in OUTCOMES)] for answered in OUTCOMES]


def _rule_row(rule: Json) -> list[str]:
    return [rule["code"], *(str(rule[name]) for name in ("only_answered", "only_shadowed", "both"))]


def _example_row(example: Json) -> list[str]:
    return [
        example["decision_id"], example["answered"], example["shadowed"], ", ".join(example["only_answered"]),
        ", ".join(example["only_shadowed"]),
    ]  # fmt: skip
