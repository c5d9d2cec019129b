"""Keeps what was looked up for a moment, so that a program that asks for many tokens is read once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

__all__ = ["LIFE_SECONDS", "Recent", "forgotten_at"]

Found = TypeVar("Found")

LIFE_SECONDS = 1.0
ENTRIES = 4_096


def forgotten_at(now: datetime) -> datetime:
    """Returns when no replica goes by what it has read before now: when the last token of it may be issued."""
    return now + timedelta(seconds=LIFE_SECONDS)


class Recent(Generic[Found]):
    """Remembers answers of `find` for a second.

    Also that there is none: if only existing ones were remembered, the time of an answer would tell which do.
    """

    def __init__(self, find: Callable[[str], Awaitable[Found]], clock: Callable[[], datetime]) -> None:
        self._find = find
        self._clock = clock
        self._entries: OrderedDict[str, tuple[datetime, Found]] = OrderedDict()

    async def find(self, name: str) -> Found:
        asked = self._clock()
        entry = self._entries.get(name)
        if entry is not None and entry[0] > asked:
            return entry[1]
        found = await self._find(name)
        # From when it was asked for: what came of it may have been true then and no longer.
        self._entries[name] = (forgotten_at(asked), found)
        self._entries.move_to_end(name)
        if len(self._entries) > ENTRIES:
            self._entries.popitem(last=False)
        return found
