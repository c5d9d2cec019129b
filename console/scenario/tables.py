"""Renders scenarios, rules, versions and deployments for people."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable

from rich.table import Table

from console.api import Json
from console.tables import output, table, when

__all__ = [
    "deployment_table",
    "history_table",
    "print_deployment",
    "print_lines",
    "print_rule",
    "rule_table",
    "scenario_table",
    "snooze_table",
    "version_table",
]

SCENARIOS = ("scenario_id", "event type", "newest version", "edited by", "changed", "description")
RULES = ("rule_id", "code", "contribution", "outcome", "habit", "alert", "expression", "words")
VERSIONS = ("version", "state", "rules", "authors", "made", "note")
DEPLOYMENTS = ("event type", "live", "share", "shadows", "waiting", "breaker", "decisions", "declined", "reviewed")
HISTORY = ("number", "time", "step", "version", "share", "by", "asked by", "reason")
SNOOZES = ("rule_id", "field", "value", "until", "by", "reason")


def scenario_table(scenarios: Iterable[Json]) -> Table:
    return table(SCENARIOS, map(_scenario_row, scenarios))


def rule_table(rules: Iterable[Json]) -> Table:
    return table(RULES, map(_rule_row, rules))


def version_table(versions: Iterable[Json]) -> Table:
    return table(VERSIONS, map(_version_row, versions))


def deployment_table(deployments: Iterable[Json]) -> Table:
    return table(DEPLOYMENTS, map(_deployment_row, deployments))


def history_table(transitions: Iterable[Json]) -> Table:
    return table(HISTORY, map(_transition_row, transitions))


def snooze_table(snoozes: Iterable[Json]) -> Table:
    return table(SNOOZES, map(_snooze_row, snoozes))


def print_lines(items: Iterable[Json]) -> None:
    """Prints one JSON object a line."""
    for item in items:
        print(json.dumps(item))


def print_rule(arguments: argparse.Namespace, rule: Json) -> None:
    if arguments.json:
        print(json.dumps(rule))
    else:
        output().print(rule_table([rule]))


def print_deployment(arguments: argparse.Namespace, deployment: Json) -> None:
    """Prints what decides, and what waits for whom."""
    if arguments.json:
        print(json.dumps(deployment))
        return
    output().print(deployment_table([deployment]))
    for each in deployment["publications"]:
        step = f"{_version(each['version'])} {_target(each)}"
        said = f"{each['publication_id']} waits: {step}, asked by {each['requested_by']}"
        output().print(said, markup=False, soft_wrap=True)


def _scenario_row(item: Json) -> list[str]:
    draft = item["draft"]
    newest = str(item["latest_version"] or "")
    changed = when(item.get("update_time"))
    return [
        item["scenario_id"], draft["event_type"], newest, ", ".join(item["editors"]), changed, draft["description"],
    ]  # fmt: skip


def _rule_row(rule: Json) -> list[str]:
    habit, alert = ("yes" if rule[name] else "" for name in ("habit", "alert"))
    return [
        rule["rule_id"], rule["code"], f"{rule['contribution']:g}", rule["outcome"], habit, alert,
        rule["expression"], rule["words"],
    ]  # fmt: skip


def _version_row(item: Json) -> list[str]:
    authors = ", ".join(item["authors"])
    made = when(item.get("create_time"))
    return [str(item["version"]), item["state"], str(item["rule_count"]), authors, made, item["note"]]


def _deployment_row(item: Json) -> list[str]:
    live, share = item.get("live"), item.get("share")
    counts = (live or {}).get("counts") or {}
    part = f"{_version(share['version'])} {_percent(share['share'])}" if share else ""
    shadows = ", ".join(_version(each["version"]) for each in item["shadows"])
    waiting = str(len(item["publications"]) or "")
    return [
        item["event_type"], _version(live["version"]) if live else "", part, shadows, waiting, item["breaker"],
        *(str(counts.get(name, "")) for name in ("decisions", "declines", "reviews")),
    ]  # fmt: skip


def _transition_row(item: Json) -> list[str]:
    share = _percent(item["share"]) if item["share"] else ""
    return [
        str(item["number"]), when(item.get("create_time")), item["move"], _version(item["version"]), share,
        item["principal"], item["requested_by"], item["reason"],
    ]  # fmt: skip


def _snooze_row(item: Json) -> list[str]:
    return [
        item["rule_id"], item["field"], item["value"], when(item["until"]), item["created_by"], item["reason"],
    ]  # fmt: skip


def _target(item: Json) -> str:
    return f"for {_percent(item['share'])}" if item["share"] else item["target"]


def _version(ref: Json) -> str:
    return f"{ref['scenario_id']}@{ref['version']}"


def _percent(parts: int) -> str:
    return f"{parts / 100:g} %"
