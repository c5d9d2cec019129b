"""Tells which names and which lists the rules of a scenario use, and which model it asks."""

from __future__ import annotations

import re

from services.fraud.domain.scenarios.scenario import ScenarioContent

__all__ = ["asks_list", "asks_model", "says"]

_WORD = re.compile(r"([A-Za-z_]\w*)(?:\.\w+)*")


def says(content: ScenarioContent, name: str) -> bool:
    """Tells whether rules have the name as a word, be it within quotes: better one use too many than one too few."""
    return any(name in _WORD.findall(text) for rule in content.rules for text in (rule.expression, rule.words))


def asks_list(content: ScenarioContent, name: str) -> bool:
    """Tells whether rules ask a list, be it within quotes: as for `says`."""
    asked = re.compile(rf"\blists\s*\.\s*{re.escape(name)}\b")
    return any(asked.search(text) for rule in content.rules for text in (rule.expression, rule.words))


def asks_model(content: ScenarioContent, name: str) -> bool:
    """Tells whether a version of a model scores for a scenario."""
    return content.model is not None and content.model.name == name
