"""Renders the checked trees of the starter rules, so that deciding by them needs no library."""

from __future__ import annotations

import json

from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.expressions.tree import tree_to_json
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.starter import STARTER, STARTER_FEATURES
from services.fraud.domain.scenarios.vocabulary import variables_of
from services.fraud.expressions.checker import check

__all__ = ["trees"]


def trees() -> str:
    """Returns starter_trees.json, one line a rule."""
    variables = variables_of(PAYMENT, STARTER_FEATURES)
    checked = (check(rule.expression, variables, ValueKind.BOOL) for rule in STARTER.rules)
    return "[\n" + ",\n".join(json.dumps(tree_to_json(tree)) for tree in checked) + "\n]\n"
