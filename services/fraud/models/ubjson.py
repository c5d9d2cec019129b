"""Reads Universal Binary JSON (draft 12), as far as XGBoost writes it.

XGBoost's own reader ends the process that gives it a broken file, so a file that somebody brought is read here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["read_ubjson"]

DEEPEST = 32
_NUMBERS = {"i": ">i1", "U": ">u1", "I": ">i2", "l": ">i4", "L": ">i8", "d": ">f4", "D": ">f8"}
_WORDS = {"T": True, "F": False, "Z": None}


def read_ubjson(content: bytes) -> Any:
    """Raises ValueError for what is broken, cut short, too deep, or of a kind that XGBoost does not write."""
    reader = _Reader(content)
    value = reader.value(reader.marker(), 0)
    if not reader.at_end:
        raise ValueError("something follows the value")
    return value


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content, self._place = content, 0

    @property
    def at_end(self) -> bool:
        return self._place == len(self._content)

    def marker(self) -> str:
        return chr(self._take(1)[0])

    def value(self, marker: str, depth: int) -> Any:
        if depth > DEEPEST:
            raise ValueError("values lie too deep in each other")
        if marker in _WORDS:
            return _WORDS[marker]
        if marker in _NUMBERS:
            return self._numbers(marker, 1)[0]
        readers: dict[str, Callable[[int], Any]] = {"S": self._text, "[": self._array, "{": self._object}
        if marker not in readers:
            raise ValueError(f"no value begins with {marker!r}")
        return readers[marker](depth)

    def _text(self, _depth: int) -> str:
        return self._take(self._length(self.marker())).decode()

    def _array(self, depth: int) -> list[Any]:
        marker = self.marker()
        if marker == "$":
            kind = self.marker()
            if kind not in _NUMBERS:
                raise ValueError("an array of one kind holds numbers")
            self._expect("#")
            return self._numbers(kind, self._length(self.marker()))
        if marker == "#":
            # Each value takes a byte at least, so what is cut short ends.
            return [self.value(self.marker(), depth + 1) for _ in range(self._length(self.marker()))]
        found = []
        while marker != "]":
            found.append(self.value(marker, depth + 1))
            marker = self.marker()
        return found

    def _object(self, depth: int) -> dict[str, Any]:
        found, marker = {}, self.marker()
        while marker != "}":
            name = self._take(self._length(marker)).decode()
            found[name] = self.value(self.marker(), depth + 1)
            marker = self.marker()
        return found

    def _numbers(self, kind: str, count: int) -> list[Any]:
        form = np.dtype(_NUMBERS[kind])
        numbers: list[Any] = np.frombuffer(self._take(count * form.itemsize), form).tolist()
        return numbers

    def _length(self, marker: str) -> int:
        if marker not in "iUIlL":
            raise ValueError("a length is a whole number")
        length = self._numbers(marker, 1)[0]
        if length < 0:
            raise ValueError("a length is not negative")
        return int(length)

    def _expect(self, marker: str) -> None:
        if self.marker() != marker:
            raise ValueError(f"{marker!r} is missing")

    def _take(self, count: int) -> bytes:
        start, self._place = self._place, self._place + count
        if self._place > len(self._content):
            raise ValueError("cut short")
        return self._content[start : self._place]
