"""The plan: the HTTP bindings of the descriptors, compiled and checked once at start."""

from __future__ import annotations

from gateway.compile.plan.binding import Binding, MethodPlan, PathVariable
from gateway.compile.plan.fields import JsonValue, Parameter
from gateway.compile.plan.plan import Plan, PlanError, compile_plan, load_plan
from gateway.compile.plan.trie import PathError, Trie

__all__ = [
    "Binding",
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
]
