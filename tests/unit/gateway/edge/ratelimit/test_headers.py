from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from gateway.edge.ratelimit import policy_field, state_field
from gateway.grammar.structured import string_item
from meshkit.limits import Limit, LimitVerdict

Item = tuple[str, Mapping[str, object]]


class Parser:
    """Lists of Strings with parameters, by the algorithms of RFC 9651, section 4.2: written from the text alone."""

    def __init__(self, field: bytes) -> None:
        self.rest = field.decode("ascii").strip(" ")

    def eat(self, pattern: str) -> str:
        found = re.match(pattern, self.rest)
        assert found is not None, f"{pattern} is not at the start of {self.rest!r}"
        self.rest = self.rest[found.end() :]
        return found[0]

    def items(self) -> list[Item]:
        members: list[Item] = []
        while self.rest:
            members.append((self.string(), self.parameters()))
            self.eat(r"[ \t]*")
            if not self.rest:
                break
            self.eat(",")
            self.eat(r"[ \t]*")
            assert self.rest, "a trailing comma"
        return members

    def string(self) -> str:
        self.eat('"')
        text = ""
        while self.rest:
            char, self.rest = self.rest[0], self.rest[1:]
            if char == "\\":
                assert self.rest and self.rest[0] in '"\\', "a backslash before something else"
                text, self.rest = text + self.rest[0], self.rest[1:]
            elif char == '"':
                return text
            else:
                assert 0x20 <= ord(char) <= 0x7E
                text += char
        raise AssertionError("an unterminated String")

    def parameters(self) -> dict[str, object]:
        found: dict[str, object] = {}
        while self.rest.startswith(";"):
            self.eat(";")
            self.eat(" *")
            key = self.eat(r"[a-z*][a-z0-9_.*-]*")
            self.eat("=")
            found[key] = int(self.eat(r"-?[0-9]{1,15}(?![0-9.])"))
        return found


def parse(field: bytes) -> list[Item]:
    return Parser(field).items()


@pytest.mark.parametrize(
    "name", ["decision", "decision-tenant", 'say "when"', "back\\slash", '\\"', " spaces ", "a,b;c=d", ""]
)
def test_any_name_survives_the_way_into_the_field_and_back(name: str) -> None:
    limits = [Limit(name, "k", 20), Limit("next", "n", 3)]
    field, value = policy_field(limits)
    assert field == b"ratelimit-policy"
    assert parse(value) == [(name, {"q": 20, "w": 1}), ("next", {"q": 3, "w": 1})]
    assert parse(state_field(limits[0], LimitVerdict(True, 7, 0.4, 0.0))[1]) == [(name, {"r": 7, "t": 1})]


@pytest.mark.parametrize("name", ["é", "tab\t", "line\n", "\x7f", "null\0"])
def test_name_that_a_string_cannot_hold_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="visible ASCII"):
        string_item(name)


@pytest.mark.parametrize(
    ("rate", "burst", "parameters"),
    [
        (20, None, {"q": 20, "w": 1}),
        (50_000, None, {"q": 50_000, "w": 1}),
        (10, 50, {"q": 50, "w": 5}),
        (0.25, None, {"q": 1, "w": 4}),
    ],
)
def test_policy_states_quota_and_window(rate: float, burst: float | None, parameters: dict[str, int]) -> None:
    assert parse(policy_field([Limit("a", "k", rate, burst)])[1]) == [("a", parameters)]


@pytest.mark.parametrize(
    ("verdict", "parameters"),
    [
        (LimitVerdict(True, 19, 0.05, 0.0), {"r": 19, "t": 1}),
        (LimitVerdict(True, 0, 1.0, 0.0), {"r": 0, "t": 1}),
        (LimitVerdict(True, 3, 4.2, 0.0), {"r": 3, "t": 5}),
        (LimitVerdict(False, 0, 3.7, 2.7), {"r": 0, "t": 3}),
        (LimitVerdict(False, 0, 1.0, 0.05), {"r": 0, "t": 1}),
    ],
)
def test_state_ends_when_the_quota_is_whole_or_the_refusal_is_over(
    verdict: LimitVerdict, parameters: dict[str, int]
) -> None:
    name, value = state_field(Limit("a", "k", 20), verdict)
    assert name == b"ratelimit"
    assert parse(value) == [("a", parameters)]
