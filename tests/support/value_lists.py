"""Lists of values, for tests of the fraud service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from services.fraud.domain.value_lists.lists import ListedType, ListKind, ValueList
from services.fraud.ports.value_lists import Author, ListStore

__all__ = ["AUTHOR", "NOW", "create", "value_list"]

NOW = datetime(2026, 11, 1, tzinfo=UTC)
AUTHOR = Author("client-1", NOW)


def value_list(name: str = "blocked", **changed: Any) -> ValueList:
    """Returns a custom list of text that is not stored yet."""
    values: dict[str, Any] = {
        "number": 0,
        "name": name,
        "kind": ListKind.CUSTOM,
        "field": "",
        "type": ListedType.STRING,
        "description": "",
        "seed": bytes(range(16)),
        "created_at": NOW,
        "updated_at": NOW,
        "tag": uuid4(),
    }
    return ValueList(**values | changed)


async def create(store: ListStore, tenant: str, name: str = "blocked", **changed: Any) -> ValueList:
    async with store.begin(tenant) as changes:
        made = await changes.create(value_list(name, **changed))
    assert made is not None
    return made
