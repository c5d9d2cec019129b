"""Joins JSON Schemas where `anyOf`, `oneOf` and `allOf` would become types.

Generators of clients make a class of every schema that is composed, also of a string that may be empty or an address.
`if`, `then` and `else` say the same to whoever validates (JSON Schema 2020-12, Core, section 10.2.2), and a string
stays a string.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

__all__ = ["Schema", "all_of", "any_of", "merged"]

Schema = dict[str, Any]

_NEVER: Schema = {"not": {}}
_CONDITION = ("if", "then", "else")


def any_of(schemas: Sequence[Schema]) -> Schema:
    """Returns a schema for values that fit one of `schemas` at least."""
    first, *others = schemas
    return {"if": first, "else": any_of(others)} if others else first


def all_of(schemas: Sequence[Schema]) -> Schema:
    """Returns a schema for values that fit all of `schemas`, with nothing but a condition at its top."""
    first, *others = schemas
    if not others:
        return first if "if" in first else {"if": first, "else": _NEVER}
    return {"if": first, "then": all_of(others), "else": _NEVER}


def merged(*schemas: Schema) -> Schema:
    """Returns one schema for values that fit all: their keywords side by side as far as they have different ones."""
    return reduce(_both, schemas, {})


def _both(first: Schema, second: Schema) -> Schema:
    if not first.keys() & second.keys():
        return first | second
    condition = {word: first[word] for word in _CONDITION if word in first}
    rest = {word: value for word, value in first.items() if word not in condition}
    return rest | all_of([*([condition] if condition else []), second])
