"""Every alert asks for metrics that the processes export, and names a heading of the runbook."""

from __future__ import annotations

import importlib
import re
from typing import Any

import pytest
from prometheus_client import REGISTRY

from gateway.edge import metrics
from meshkit.topology import load
from tools.check_deploy import DEPLOY, ROOT, documents

RULES: list[dict[str, Any]] = [
    rule for group in documents(DEPLOY / "prometheus/alerts.yaml")[0]["groups"] for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
# A name with a selector, a range or a comparison behind it; functions have a bracket.
SELECTOR = re.compile(r"([a-z_][a-z0-9_:]*)(?:\{([^}]*)\})?(?=\[|\s*[<>=)]|\))")
LABEL = re.compile(r"([a-z_]+)\s*(?:=~|!~|!=|=)\"")


def exported() -> dict[str, frozenset[str]]:
    """Returns the labels of every series of ours. Gauges and counters without a label are there from the start."""
    for module in ("gateway.app", *(f"services.{name}.__main__" for name in load().names)):
        importlib.import_module(module)
    found: dict[str, frozenset[str]] = {"up": frozenset({"job", "instance"})}
    for collector in set(REGISTRY._collector_to_names):
        labels = frozenset(getattr(collector, "_labelnames", ()))
        for family in collector.describe() if hasattr(collector, "describe") else ():
            for suffix in SUFFIXES.get(family.type, ()):
                found[family.name + suffix] = labels | ({"le"} if suffix == "_bucket" else set())
    return found


def selectors(rule: dict[str, Any]) -> list[tuple[str, set[str]]]:
    """Returns the series that an expression asks for, each with the labels that it selects by."""
    expression = re.sub(r"\b(by|without) \([^)]*\)", "", rule["expr"])
    return [(name, set(LABEL.findall(inside))) for name, inside in SELECTOR.findall(expression)]


def slug(heading: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_only_for_what_is_exported(rule: dict[str, Any]) -> None:
    known = exported()
    asked = selectors(rule)
    assert asked
    for name, labels in asked:
        if name not in RECORDED:
            assert name in known, f"{name} is exported by nobody"
            assert labels <= known[name], f"{name} has no label {labels - known[name]}"


def test_the_latency_objective_is_a_bucket() -> None:
    asked = {float(bound) for rule in RULES for bound in re.findall(r'le="([^"]+)"', rule["expr"])}
    assert asked
    assert asked <= set(metrics._seconds._upper_bounds)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_names_its_place_in_the_runbook(name: str) -> None:
    page, _, anchor = ALERTS[name]["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {slug(heading) for heading in headings}
    assert ALERTS[name]["annotations"]["summary"]
    assert ALERTS[name]["labels"]["severity"] in ("page", "ticket")
