"""Reads TOML tables of which every key must be known and of the right type."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

__all__ = ["TableError", "TableReader"]

_NAME = re.compile(r"[a-z][a-z0-9]{0,30}")
_KINDS: Mapping[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    list: "a list",
    dict: "a table",
}


class TableError(Exception):
    """A table cannot be used. The message names the entry and the key."""


class TableReader:
    """One table, which remembers the keys that were asked for."""

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self._where = where
        self._values = dict(values)
        self._asked: set[str] = set()

    def text(self, key: str) -> str:
        return str(self._get(key, str))

    def flag(self, key: str, default: bool | None = None) -> bool:
        return bool(self._get(key, bool, default))

    def number(self, key: str, most: int) -> int:
        """Returns a whole number from 1 to `most`."""
        value = self._get(key, int)
        if isinstance(value, bool) or not 1 <= value <= most:
            raise self.error(key, f"must be from 1 to {most}, not {value!r}")
        return int(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """Returns a list without duplicates."""
        values = self._get(key, list)
        if any(not isinstance(value, str) for value in values):
            raise self.error(key, f"must be a list of texts, not {values!r}")
        if len(set(values)) != len(values):
            raise self.error(key, f"names one twice: {', '.join(values)}")
        return tuple(values)

    def table(self, key: str, defaults: Mapping[str, Any] | None = None) -> TableReader:
        """Returns the table below a key, over `defaults`; with defaults it may be missing."""
        found = self._get(key, dict, None if defaults is None else {})
        return TableReader(self._path(key), {**(defaults or {}), **found})

    def tables(
        self, key: str, defaults: Mapping[str, Any] | None = None, *, reserved: Collection[str] = ()
    ) -> Iterator[tuple[str, TableReader]]:
        """Yields the named tables below a key, each over `defaults`; none may have a reserved name."""
        below = TableReader(self._path(key), self._get(key, dict, {}))
        for name in below._values:
            if not _NAME.fullmatch(name):
                raise below.error(name, "must be lower-case letters and digits, as DNS and SQL have names")
            if name in reserved:
                raise below.error(name, "has the name of something else")
            yield name, below.table(name, defaults)

    def rest(self) -> dict[str, Any]:
        """Returns everything that was not asked for yet."""
        rest = {key: value for key, value in self._values.items() if key not in self._asked}
        self._asked |= rest.keys()
        return rest

    def end(self) -> None:
        """Raises TableError if there is a key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                raise self.error(key, "is unknown")

    def error(self, key: str, what: str) -> TableError:
        return TableError(f"{self._path(key)} {what}")

    def _path(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def _get(self, key: str, kind: type, default: Any = None) -> Any:
        self._asked.add(key)
        value = self._values.get(key, default)
        if value is None:
            raise self.error(key, "is missing")
        if not isinstance(value, kind):
            raise self.error(key, f"must be {_KINDS[kind]}, not {value!r}")
        return value
