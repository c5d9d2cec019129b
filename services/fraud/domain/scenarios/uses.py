"""Tells which names and which lists the rules of a scenario use, and which model it asks."""

from __future__ import annotations

import json
import re

from services.fraud.domain.scenarios.file import file_of
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
    """Tells whether the file of a scenario names a model, be it with the number of a version."""
    named = json.loads(file_of(content)).get("model")
    return re.search(rf'"{re.escape(name)}(@[0-9]+)?"', json.dumps(named)) is not None
