"""Words of rules: text of the tenant with places for values, filled without anything being evaluated.

A place is a name in braces, `{user_count_1h}` or `{profile.tier}`, with a number of digits if wanted: `{amount:.2f}`.
Braces themselves are written twice. Nothing else stands in braces: no attribute, no index, no conversion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import NamedTuple

from services.fraud.domain.expressions.types import ValueKind

__all__ = ["LONGEST_VALUE", "LONGEST_WORDS", "Words", "WordsFault", "WordsPlace", "words_faults"]

LONGEST_WORDS = 500
"""Code points of a text."""
LONGEST_VALUE = 200
"""Code points that a value has in the words; more is cut off."""
UNKNOWN = "unknown"
"""What stands for a value that is missing."""

_PLACE = re.compile(r"\{([a-z][a-z0-9_]{0,62}(?:\.[a-z][a-z0-9_]{0,62})?)(?::\.([0-6])f)?\}")
_NUMBERS = frozenset({ValueKind.INT, ValueKind.DOUBLE})


class WordsPlace(NamedTuple):
    """A place for a value."""

    name: str
    digits: int | None
    """After the point; None for the value as it is."""
    column: int
    """Where it begins in the text, from 1."""


class WordsFault(NamedTuple):
    """What is wrong with words, and in which column."""

    column: int
    message: str


class Words:
    """A text that was read once. Raises ValueError for what `words_faults` finds in its form."""

    __slots__ = ("_places", "_text")

    def __init__(self, text: str) -> None:
        parts, faults = _read(text)
        if faults:
            raise ValueError(faults[0].message)
        self._places = [(part.name, part.digits) for part in parts if isinstance(part, WordsPlace)]
        self._text = "".join(part.replace("%", "%%") if isinstance(part, str) else "%s" for part in parts)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for name, _ in self._places)

    def fill(self, value_of: Callable[[str], object]) -> str:
        """Returns the text with its values. `value_of` returns None for a value that is missing."""
        return self._text % tuple([_told(value_of(name), digits) for name, digits in self._places])


def words_faults(text: str, variables: Mapping[str, ValueKind]) -> Sequence[WordsFault]:
    """Returns what is wrong with a text: its form, names that are none, values that cannot be told so."""
    if len(text) > LONGEST_WORDS:
        return [WordsFault(LONGEST_WORDS + 1, f"must have at most {LONGEST_WORDS} characters")]
    parts, faults = _read(text)
    for part in parts:
        if isinstance(part, WordsPlace) and (message := _misfit(part, variables)):
            faults.append(WordsFault(part.column, message))
    return faults


def _misfit(place: WordsPlace, variables: Mapping[str, ValueKind]) -> str:
    kind = variables.get(place.name)
    if kind is None:
        near = get_close_matches(place.name, variables, 1)
        return f"there is no {place.name!r}" + (f": is {near[0]!r} meant?" if near else "")
    if kind is ValueKind.STRING_LIST:
        return f"{place.name!r} is a list and has no words"
    if place.digits is not None and kind not in _NUMBERS:
        return f"{place.name!r} is no number and has no digits after a point"
    return ""


def _read(text: str) -> tuple[list[str | WordsPlace], list[WordsFault]]:
    parts: list[str | WordsPlace] = []
    faults: list[WordsFault] = []
    at = 0
    while (brace := _next_brace(text, at)) >= 0:
        parts.append(text[at:brace])
        if text[brace : brace + 2] in ("{{", "}}"):
            parts.append(text[brace])
            at = brace + 2
        elif place := _PLACE.match(text, brace):
            name, digits = place.groups()
            parts.append(WordsPlace(name, int(digits) if digits else None, brace + 1))
            at = place.end()
        else:
            message = "is no place for a value such as {amount} or {amount:.2f}; a brace itself is written twice"
            faults.append(WordsFault(brace + 1, message))
            at = brace + 1
    return [*parts, text[at:]], faults


def _next_brace(text: str, at: int) -> int:
    found = [place for place in (text.find("{", at), text.find("}", at)) if place >= 0]
    return min(found, default=-1)


def _told(value: object, digits: int | None) -> str:
    if type(value) is int and digits is None:
        return str(value)
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        if digits is not None:
            return f"{value:.{digits}f}"
        return str(value) if isinstance(value, int) else f"{value:.15g}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    text = str(value)[: LONGEST_VALUE + 1]
    if not text.isprintable():
        text = "".join([letter if letter.isprintable() else " " for letter in text])
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
