"""A scenario as one JSON file: what is exported, imported and stored. Rules keep their identifiers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from enum import Enum
from typing import Any, NoReturn, TypeVar, cast

from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ModelReason, ScenarioContent, ScenarioModel

__all__ = ["LARGEST_FILE", "FileFaultError", "content_of", "file_of"]

LARGEST_FILE = 900_000
"""Bytes, in UTF-8: a scenario travels whole in one request of the greatest size that the edge takes at first."""
FORMAT = "rampart.scenario.v1"

T = TypeVar("T")


class FileFaultError(Exception):
    """A file is no scenario. `place` is the path of the value, such as `rules[2].words`; empty for the whole."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place
        self.message = message


def file_of(content: ScenarioContent) -> str:
    """Returns the file: the same text for equal contents, so that files can be compared and kept under version control.

    Fields with their default value are left out of rules.
    """
    whole = {"format": FORMAT, **_plain(content, all_fields=True)}
    whole["rules"] = [_plain(rule, all_fields=False) for rule in content.rules]
    if content.model is None:
        # As it was written before there were models.
        del whole["model"]
    return json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def content_of(file: str | bytes) -> ScenarioContent:
    """Reads a file, and raises FileFaultError for whatever it should not have or lacks."""
    if len(file if isinstance(file, bytes) else file.encode("utf-8", "surrogatepass")) > LARGEST_FILE:
        raise FileFaultError("", f"must have at most {LARGEST_FILE} bytes")
    whole = _object(_json(file), "")
    if whole.pop("format", None) != FORMAT:
        raise FileFaultError("format", f"must be {FORMAT!r}")
    rules = whole.get("rules", [])
    if type(rules) is not list:
        raise FileFaultError("rules", "must be an array")
    whole["rules"] = tuple(_read(ScenarioRule, _object(rule, place), place) for place, rule in _places(rules))
    if "model" in whole:
        whole["model"] = _model(_object(whole["model"], "model"))
    return _read(ScenarioContent, whole, "")


def _model(found: dict[str, object]) -> ScenarioModel:
    reasons = found.get("reasons", [])
    if type(reasons) is not list:
        raise FileFaultError("model.reasons", "must be an array")
    places = ((f"model.reasons[{index}]", each) for index, each in enumerate(reasons))
    found["reasons"] = tuple(_read(ModelReason, _object(each, place), place) for place, each in places)
    return _read(ScenarioModel, found, "model")


def _plain(value: ScenarioContent | ScenarioRule, *, all_fields: bool) -> dict[str, Any]:
    found = asdict(value)
    kept = (field for field in fields(value) if all_fields or found[field.name] != field.default)
    return {field.name: _scalar(found[field.name]) for field in kept}


def _scalar(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def _places(rules: Sequence[object]) -> Iterator[tuple[str, object]]:
    return ((f"rules[{index}]", rule) for index, rule in enumerate(rules))


def _json(file: str | bytes) -> object:
    try:
        return json.loads(file, object_pairs_hook=_Pairs, parse_constant=_no_number)
    except RecursionError:
        raise FileFaultError("", "is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise FileFaultError("", f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from None
    except ValueError as error:
        raise FileFaultError("", f"is not JSON: {error}") from None


class _Pairs(list[tuple[str, object]]):
    """An object as it was written, with what is repeated."""


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _object(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, _Pairs):
        raise FileFaultError(place, "must be an object")
    found: dict[str, object] = {}
    for key, each in value:
        if key in found:
            raise FileFaultError(_below(place, key), "is there twice")
        found[key] = each
    return found


def _read(kind: type[T], values: Mapping[str, object], place: str) -> T:
    known = {field.name: field for field in fields(cast("Any", kind))}
    for key in values:
        if key not in known:
            raise FileFaultError(_below(place, key), "is unknown")
    for name, field in known.items():
        if field.default is MISSING and name not in values:
            raise FileFaultError(_below(place, name), "is missing")
    return kind(**{name: _value(known[name].type, value, _below(place, name)) for name, value in values.items()})


def _value(annotation: object, value: object, place: str) -> object:
    """Returns a value of the kind that a field is declared with, by the text of its annotation."""
    if annotation == "str" and isinstance(value, str):
        return value
    if annotation == "bool" and isinstance(value, bool):
        return value
    if annotation == "float" and isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, place)
    if annotation == "RuleOutcome" and isinstance(value, str) and value in {each.value for each in RuleOutcome}:
        return RuleOutcome(value)
    if annotation == "int" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, tuple | ScenarioModel):
        return value
    raise FileFaultError(place, f"must be {_WANTED.get(str(annotation), 'something else')}")


def _number(value: float, place: str) -> float:
    try:
        return float(value)
    except OverflowError:
        raise FileFaultError(place, "is too large") from None


_WANTED = {
    "str": "a string",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "RuleOutcome": f"one of {', '.join(repr(each.value) for each in RuleOutcome)}",
}


def _below(place: str, key: str) -> str:
    # What is shown of a key of somebody's file is bounded.
    return f"{place}.{key[:64]}" if place else key[:64]
