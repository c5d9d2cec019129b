"""A decision asks a list once, and keeps what it found."""

from __future__ import annotations

from services.fraud.domain.scenarios.consulted import ConsultedLists, hits_of


class Ending:
    """A list whose entries end once they were asked for."""

    def __init__(self, *values: str) -> None:
        self.values = set(values)
        self.asked: list[object] = []

    def __contains__(self, value: object) -> bool:
        self.asked.append(value)
        found = value in self.values
        self.values.discard(str(value))
        return found


def test_entry_that_ends_within_a_decision_is_there_for_all_of_its_rules() -> None:
    ending = Ending("a", "b")
    lists = ConsultedLists({"ending": ending})
    assert ["a" in lists["ending"], "c" in lists.get("ending", ())] == [True, False]
    ending.values = {"c"}
    assert ["a" in lists["ending"], "c" in lists["ending"]] == [True, False]
    assert ending.asked == ["a", "c"]


def test_what_was_found_is_kept_and_nothing_else() -> None:
    lists = ConsultedLists({"one": {"b", "a", "x"}, "two": {"a"}, "unasked": {"a"}})
    assert [value in lists["one"] for value in "bac"] == [True, True, False]
    assert "z" not in lists["two"] and "a" not in lists["no such list"]
    number: object = 1
    assert number not in lists["one"]
    assert hits_of(lists) == {"one": ["a", "b"]}
    assert (list(lists), len(lists)) == (["one", "two", "unasked"], 3)
    assert hits_of({"one": {"a"}}) == {}, "nobody has kept what was asked"


def test_what_was_found_answers_the_same_questions_again() -> None:
    lists = ConsultedLists({"one": {"a", "b"}})
    first = [value in lists["one"] for value in "ac"]
    again = ConsultedLists({name: frozenset(values) for name, values in lists.hits.items()})
    assert [value in again["one"] for value in "ac"] == first
    assert again.hits == lists.hits
