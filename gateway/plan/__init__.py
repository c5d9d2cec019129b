"""The plan that the edge compiles from the descriptors at start."""

from __future__ import annotations

from gateway.plan.binding import Binding, MethodPlan, PathVariable
from gateway.plan.fields import JsonValue, Parameter
from gateway.plan.places import HttpViolation, malformed
from gateway.plan.plan import Plan, PlanError, compile_plan, load_plan
from gateway.plan.trie import PathError, Trie

__all__ = [
    "Binding",
    "HttpViolation",
    "JsonValue",
    "MethodPlan",
    "Parameter",
    "PathError",
    "PathVariable",
    "Plan",
    "PlanError",
    "Trie",
    "compile_plan",
    "load_plan",
    "malformed",
]
