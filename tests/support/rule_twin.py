"""Evaluates rules of our own by Python itself: a twin of the rule language, for scenarios that the tests wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from services.fraud.domain.scenarios.judging import Fired
from services.fraud.domain.scenarios.scenario import ScenarioContent

__all__ = ["RuleTwin"]

_WORDS = {"&&": " and ", "||": " or ", "true": "True", "false": "False"}
_NOT = re.compile(r"!(?!=)")


class RuleTwin:
    """Tells which rules of a scenario fire. A rule that meets a missing value has not enough data."""

    def __init__(self, content: ScenarioContent) -> None:
        self._codes = [compile(_python(rule.expression), rule.rule_id, "eval") for rule in content.rules]

    def evaluate(self, values: Mapping[str, object]) -> Fired:
        names = _names(values)
        hits, errors, without = [], [], []
        for index, code in enumerate(self._codes):
            try:
                if eval(code, names):
                    hits.append(index)
            except TypeError:
                without.append(index)
            except ArithmeticError:
                errors.append(index)
        return Fired(hits, errors, without)


def _python(expression: str) -> str:
    for theirs, ours in _WORDS.items():
        expression = expression.replace(theirs, ours)
    return _NOT.sub(" not ", expression).strip()


def _names(values: Mapping[str, object]) -> dict[str, Any]:
    names: dict[str, Any] = {"__builtins__": {}, "double": float}
    dotted: dict[str, dict[str, object]] = {}
    for name, value in values.items():
        room, _, last = name.rpartition(".")
        if room:
            dotted.setdefault(room, {})[last] = value
        else:
            names[name] = value
    return names | {room: SimpleNamespace(**inside) for room, inside in dotted.items()}
