"""Words of rules: places are filled, and nothing in them is evaluated."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.words import LONGEST_VALUE, LONGEST_WORDS, Words, words_faults

KINDS = {
    "amount": ValueKind.DOUBLE,
    "user_count_1h": ValueKind.INT,
    "profile.tier": ValueKind.STRING,
    "success": ValueKind.BOOL,
    "incident_time": ValueKind.TIME,
    "lists.blocked": ValueKind.STRING_LIST,
}


@pytest.mark.parametrize(
    ("text", "value", "told"),
    [
        ("{a} times", 7, "7 times"),
        ("{a:.2f} USD", 0.125, "0.12 USD"),
        ("{a:.2f} USD", 3, "3.00 USD"),
        ("{a}", 0.1, "0.1"),
        ("{a}", 1e300, "1e+300"),
        ("{a}", True, "true"),
        ("{a:.2f}", False, "false"),
        ("{a}", None, "unknown"),
        ("{a:.2f}", None, "unknown"),
        ("{a}", datetime(2026, 3, 1, 12, 30, 5, 999, UTC), "2026-03-01T12:30:05Z"),
        ("{a}", "line\nand\x00bell\x07", "line and bell "),
        ("{a}", "{amount} {{", "{amount} {{"),
        ("{{a}} is {a}", 1, "{a} is 1"),
        ("", 1, ""),
    ],
)
def test_values_are_told(text: str, value: object, told: str) -> None:
    assert Words(text).fill({"a": value}.get) == told


def test_a_long_value_is_cut() -> None:
    told = Words("{a}").fill(lambda _: "x" * 100_000)
    assert len(told) == LONGEST_VALUE
    assert told.endswith("x…")
    assert Words("{a}").fill(lambda _: "x" * LONGEST_VALUE) == "x" * LONGEST_VALUE


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("{", 1),
        ("a }", 3),
        ("{}", 1),
        ("{0}", 1),
        ("{amount.__class__}", 1),
        ("{amount.real.imag}", 1),
        ("{amount[0]}", 1),
        ("{amount!r}", 1),
        ("{amount:>10000000}", 1),
        ("{amount:.999999f}", 1),
        ("{amount:{amount}}", 1),
        ("{ amount}", 1),
        ("{Amount}", 1),
        ("{аmount}", 1),  # Cyrillic
        ("{" * 401, 401),
    ],
)
def test_what_is_no_place_is_refused_where_it_stands(text: str, column: int) -> None:
    assert words_faults(text, KINDS)[0].column == column
    with pytest.raises(ValueError, match="brace"):
        Words(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{user_count_1m}", "is 'user_count_1h' meant"),
        ("{nothing_like_it}", "there is no 'nothing_like_it'"),
        ("{lists.blocked}", "is a list"),
        ("{profile.tier:.2f}", "is no number"),
        ("{success:.0f}", "is no number"),
        ("x" * (LONGEST_WORDS + 1), "at most"),
    ],
)
def test_what_cannot_be_told_is_refused(text: str, said: str) -> None:
    (fault,) = words_faults(text, KINDS)
    assert said in fault.message


def test_all_faults_are_told_with_their_columns() -> None:
    faults = words_faults("{amount:.2f} {nothing_like_it} { {success:.1f}", KINDS)
    assert sorted(fault.column for fault in faults) == [14, 32, 34]


def test_the_names_of_words_are_known() -> None:
    assert Words("{amount} of {profile.tier} {{no}}").names == {"amount", "profile.tier"}
