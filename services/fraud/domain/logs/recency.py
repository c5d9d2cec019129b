"""Knows when each counterpart was last seen, and how many were last seen since a time."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from services.fraud.domain.logs.blocks import NEVER

__all__ = ["Recency"]

LARGEST_PART = 1_024
FEW_PARTS = 8


class Recency:
    """The time of the last record of each counterpart, and these times in order.

    What is out of reach goes a generation at a time.
    """

    __slots__ = ("_firsts", "_new", "_old", "_parts", "_since")

    def __init__(self) -> None:
        self._new: dict[int, int] = {}
        self._old: dict[int, int] = {}
        self._since = NEVER
        """No time in the old generation is after this one."""
        self._parts: list[array[int]] = []
        """The times, in arrays that follow each other."""
        self._firsts: list[int] = []
        """The first time of each."""

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

    def get(self, counterpart: int) -> int:
        """When it was last seen, NEVER if it was not."""
        time = self._new.get(counterpart)
        return self._old.get(counterpart, NEVER) if time is None else time

    def set(self, counterpart: int, time: int) -> int:
        """Says when it was last seen now, NEVER if it was not. Returns when it was before."""
        before = self._new.get(counterpart)
        if before is None:
            before = self._old.get(counterpart, NEVER)
        self._new[counterpart] = time
        parts = self._parts
        if before != NEVER and parts:
            self._discard(before)
        if time == NEVER:
            return before
        if not parts or time >= parts[-1][-1]:
            self._extend([time])
        else:
            self._insert(time)
        return before

    def set_all(self, counterparts: list[int], times: list[int]) -> list[int]:
        """Does `set` for many in order of time, of which none is before any that was. Returns what each returned."""
        latest = dict(zip(counterparts, times, strict=True))
        before = {each: self.get(each) for each in latest}
        self._discard_all(sorted(time for time in before.values() if time != NEVER))
        previous = []
        for counterpart, time in zip(counterparts, times, strict=True):
            previous.append(before[counterpart])
            before[counterpart] = time
        self._new |= latest
        self._extend(sorted(latest.values()))
        return previous

    def count(self, start: int, until: int) -> int:
        """How many were last seen from `start` to before `until`."""
        return self._since_time(start) - self._since_time(until)

    def count_since(self, start: int) -> int:
        """How many were last seen at `start` or later."""
        parts = self._parts
        if len(parts) == 1:
            return len(parts[0]) - bisect_left(parts[0], start)
        return self._since_time(start)

    def forget_before(self, time: int, newest: int) -> None:
        """Forgets some of what was last seen before the time. No record is newer than `newest`."""
        if time > self._since:
            self._old, self._new, self._since = self._new, {}, newest
        gone = max(bisect_left(self._firsts, time) - 1, 0)
        del self._parts[:gone], self._firsts[:gone]
        if self._parts:
            del self._parts[0][: bisect_left(self._parts[0], time)]
            self._tidy(0)

    def _since_time(self, time: int) -> int:
        number = bisect_left(self._firsts, time)
        found = sum(map(len, self._parts[number:]))
        if number:
            part = self._parts[number - 1]
            found += len(part) - bisect_left(part, time)
        return found

    def _extend(self, times: list[int]) -> None:
        """Adds times after all others."""
        parts = self._parts
        if parts and len(parts[-1]) < LARGEST_PART:
            parts[-1].extend(array("q", times))
        elif times:
            parts.append(array("q", times))
            self._firsts.append(times[0])
            if len(parts) > FEW_PARTS + 4 * sum(map(len, parts)) // LARGEST_PART:
                self._repack()

    def _repack(self) -> None:
        """Joins parts that have become small."""
        joined = array("q")
        for part in self._parts:
            joined += part
        self._parts = [joined[at : at + LARGEST_PART] for at in range(0, len(joined), LARGEST_PART)]
        self._firsts = [part[0] for part in self._parts]

    def _discard(self, time: int) -> None:
        """Takes out a time, which may be forgotten already."""
        number = bisect_right(self._firsts, time) - 1
        if number < 0:
            return
        part = self._parts[number]
        at = bisect_left(part, time)
        if at < len(part) and part[at] == time:
            del part[at]
            if not at:
                self._tidy(number)

    def _discard_all(self, times: list[int]) -> None:
        """Takes out times in order, from the last to the first."""
        number = len(self._parts) - 1
        for time in reversed(times):
            while number >= 0 and self._firsts[number] > time:
                number -= 1
            if number < 0:
                return
            part = self._parts[number]
            at = bisect_left(part, time)
            if at < len(part) and part[at] == time:
                del part[at]
                if not at:
                    self._tidy(number)
                    number = min(number, len(self._parts) - 1)

    def _insert(self, time: int) -> None:
        number = max(bisect_right(self._firsts, time) - 1, 0)
        part = self._parts[number]
        part.insert(bisect_right(part, time), time)
        if len(part) >= 2 * LARGEST_PART:
            self._parts.insert(number + 1, part[LARGEST_PART:])
            self._firsts.insert(number + 1, part[LARGEST_PART])
            del part[LARGEST_PART:]
        self._tidy(number)

    def _tidy(self, number: int) -> None:
        part = self._parts[number]
        if part:
            self._firsts[number] = part[0]
        else:
            del self._parts[number], self._firsts[number]
