"""Finds the extremes of any part of a list soon: those of its runs are known."""

from __future__ import annotations

from collections.abc import Callable, MutableSequence

__all__ = ["Peaks"]

RUN = 32


class Peaks:
    """Numbers in order, and the extreme of each whole run of them as far as it was asked for."""

    __slots__ = ("_extreme", "_none", "_runs", "numbers")

    def __init__(self, numbers: MutableSequence[int], extreme: Callable[..., int], none: int) -> None:
        """`extreme` is min or max, `none` the answer for no numbers."""
        self.numbers = numbers
        self._extreme, self._none = extreme, none
        self._runs: list[int] = []

    def of(self, start: int, end: int) -> int:
        """The extreme from number `start` to before `end`."""
        first, last = -(-start // RUN), end // RUN
        numbers, extreme, none = self.numbers, self._extreme, self._none
        if last <= first + 1:
            return extreme(numbers[start:end], default=none)
        runs = self._runs
        for at in range(len(runs) * RUN, last * RUN, RUN):
            runs.append(extreme(numbers[at : at + RUN]))
        found = extreme(runs[first:last])
        if start < first * RUN:
            found = extreme(found, extreme(numbers[start : first * RUN]))
        return extreme(found, extreme(numbers[last * RUN : end])) if end > last * RUN else found

    def touch(self, at: int) -> None:
        """Takes note that the numbers from one on are other ones."""
        del self._runs[at // RUN :]
