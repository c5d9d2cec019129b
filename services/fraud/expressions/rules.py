"""Checks the expressions of rules, for the store that keeps their trees."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from services.fraud.domain.expressions.problems import ExpressionRefused
from services.fraud.domain.expressions.tree import tree_to_json
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.expressions.checker import check
from services.fraud.ports.scenarios import ExpressionFault

__all__ = ["CelRules"]


class CelRules:
    """Implements `RuleChecker`."""

    def check(
        self, text: str, variables: Mapping[str, ValueKind], result: ValueKind = ValueKind.BOOL
    ) -> str | Sequence[ExpressionFault]:
        try:
            tree = check(text, variables, result)
        except ExpressionRefused as refused:
            return [
                ExpressionFault(each.line, each.column, f"expected {each.expected}, found {each.found}")
                for each in refused.problems
            ]
        return json.dumps(tree_to_json(tree), separators=(",", ":"))
