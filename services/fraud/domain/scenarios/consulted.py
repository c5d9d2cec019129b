"""The lists of a tenant as one decision asks them, with what it found there."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

__all__ = ["ConsultedLists", "hits_of"]

_EMPTY: Container[str] = frozenset()


class ConsultedLists(Mapping[str, Container[str]]):
    """Answers a question the second time as it did the first, also where an entry ends in between.

    What was found is all that the decision hangs on: whatever else it asked for was not there.
    """

    __slots__ = ("_asked", "_lists")

    def __init__(self, lists: Mapping[str, Container[str]]) -> None:
        self._lists = lists
        self._asked: dict[str, _ConsultedList] = {}

    def __getitem__(self, name: str) -> Container[str]:
        """Returns the list of a name; one that there is not is empty."""
        asked = self._asked.get(name)
        if asked is None:
            asked = self._asked[name] = _ConsultedList(self._lists.get(name, _EMPTY))
        return asked

    def __iter__(self) -> Iterator[str]:
        return iter(self._lists)

    def __len__(self) -> int:
        return len(self._lists)

    @property
    def hits(self) -> Mapping[str, Sequence[str]]:
        """What was asked for and found, by list; a list where nothing was is left out."""
        found = {name: asked.hits for name, asked in sorted(self._asked.items())}
        return {name: hits for name, hits in found.items() if hits}


class _ConsultedList:
    __slots__ = ("_answers", "_list")

    def __init__(self, values: Container[str]) -> None:
        self._list = values
        self._answers: dict[str, bool] = {}

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, str):
            return False
        answer = self._answers.get(value)
        if answer is None:
            answer = self._answers[value] = value in self._list
        return answer

    @property
    def hits(self) -> Sequence[str]:
        return sorted(value for value, answer in self._answers.items() if answer)


def hits_of(lists: Mapping[str, Container[str]]) -> Mapping[str, Sequence[str]]:
    """Returns what a decision found in its lists."""
    return lists.hits if isinstance(lists, ConsultedLists) else {}
