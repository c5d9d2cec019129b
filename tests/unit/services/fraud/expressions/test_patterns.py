"""Patterns are RE2's, and of a bounded size."""

from __future__ import annotations

import pytest

from services.fraud.expressions.patterns import LONGEST_PATTERN, LONGEST_SEARCHED, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [("b+", "abbc", True), ("^b", "abc", False), ("(?i)ÜN", "ünï", True), ("", "", True), (r"\d{3}$", "x123", True)],
)
def test_pattern_is_searched_for(pattern: str, text: str, found: bool) -> None:
    assert compile_pattern(pattern)(text) is found


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "missing )"),
        (r"(a)\1", "invalid escape"),
        ("(?=a)", "invalid perl operator"),
        ("((a{10}){10}){10}", "takes too long"),
        ("(.{100}){10}", "takes too long"),
        ("a{1001}", "repetition"),
        ("x" * (LONGEST_PATTERN + 1), "more than 256"),
    ],
)
def test_what_is_no_pattern_or_too_large_is_refused_in_words(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace(")", r"\)")):
        compile_pattern(pattern)


def test_a_long_text_is_not_searched() -> None:
    found = compile_pattern("(a*)*b")
    assert found("a" * LONGEST_SEARCHED) is False
    assert found("a" * (LONGEST_SEARCHED + 1)) is None
