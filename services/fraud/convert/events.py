"""Renders the fields of events for the store, and reads them back: JSON, money as smallest units with its currency."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from services.fraud.domain.event import Fields, FieldValue, Money

__all__ = ["fields_from_record", "fields_to_record"]

_TIME = "time"


def fields_to_record(fields: Fields) -> bytes:
    """Renders fields: money as [smallest units, currency], a time as {"time": RFC 3339}."""
    return _encode(fields).encode()


def fields_from_record(data: bytes) -> Fields:
    """Reads back what `fields_to_record` has rendered."""
    # Most values are texts, and histories have many.
    return {name: value if type(value) is str else _from_json(value) for name, value in json.loads(data).items()}


def _time_to_json(value: object) -> object:
    assert isinstance(value, datetime), "everything else is JSON as it is; money is a tuple, which is an array"
    return {_TIME: value.isoformat()}


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_time_to_json).encode


def _from_json(value: object) -> FieldValue:
    if isinstance(value, list):
        return Money(value[0], value[1])
    if isinstance(value, Mapping):
        return datetime.fromisoformat(value[_TIME]).astimezone(UTC)
    assert isinstance(value, (str, float, int)), "no other value is rendered"
    return value
