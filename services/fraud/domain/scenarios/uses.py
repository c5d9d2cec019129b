"""Tells which names the rules of a scenario use."""

from __future__ import annotations

import re

from services.fraud.domain.scenarios.scenario import ScenarioContent

__all__ = ["says"]

_WORD = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*")


def says(content: ScenarioContent, name: str) -> bool:
    """Tells whether rules have the name as a word, be it within quotes: better one use too many than one too few."""
    return any(name in _WORD.findall(text) for rule in content.rules for text in (rule.expression, rule.words))
