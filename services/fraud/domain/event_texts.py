"""Reads the values of fields that are written as texts: what JSON would hold for them."""

from __future__ import annotations

import re

from services.fraud.domain.event_types import FieldType

__all__ = ["value_of_text"]

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
_TRUTHS = {"true": True, "false": False}


def value_of_text(type_: FieldType, text: str) -> object:
    """Returns what a text means in a field of a type, None if it means nothing there."""
    match type_:
        case FieldType.NUMBER:
            return _number(text)
        case FieldType.BOOL:
            return _TRUTHS.get(text)
        case FieldType.MONEY:
            amount, blank, currency = text.partition(" ")
            return {"amount": _number(amount), "currency": currency or blank}
        case _:
            return text


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None
