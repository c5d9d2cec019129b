"""Looks over a text before the library does: its size, its letters, its brackets, its quotes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from services.fraud.domain.expressions.problems import Problem

__all__ = ["DEEPEST_NESTING", "LONGEST_EXPRESSION", "place", "scan"]

LONGEST_EXPRESSION = 2_000
"""Characters."""
DEEPEST_NESTING = 32
_TOKEN = re.compile(
    r"""(?P<text>(?P<raw>[bB]?[rR][bB]?)(?:'''.*?'''|\"{3}.*?\"{3}|'[^'\n\r]*'|"[^"\n\r]*")"""
    r"""|[bB]?(?:'''(?:\\.|[^\\])*?'''|\"{3}(?:\\.|[^\\])*?\"{3}|'(?:\\.|[^\\'\n\r])*'|"(?:\\.|[^\\"\n\r])*"))"""
    r"""|//[^\n]*|[A-Za-z0-9_ ]+|(?P<other>.)""",
    re.DOTALL,
)
_ALIKE = {
    **dict(zip("аеорсухіѕјһԁӏԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧορνι", "aeopcyxisjhdlqwABEZHIKMNOPTYXopvi", strict=True)),
    **dict.fromkeys("“”„″", '"'), **dict.fromkeys("‘’′", "'"), **dict.fromkeys("−–—", "-"),
    "×": "*", "÷": "/", "＝": "==", "≠": "!=", "≤": "<=", "≥": ">=", "∧": "&&", "∨": "||", "¬": "!",
}  # fmt: skip


def place(text: str, offset: int) -> tuple[int, int]:
    """Returns line and column of a character, from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def scan(text: str) -> Problem | None:
    """Returns the first thing that keeps the text from being read at all."""
    if not text.strip():
        return Problem(1, 1, "an expression", "nothing")
    if len(text) > LONGEST_EXPRESSION:
        line, column = place(text, LONGEST_EXPRESSION)
        return Problem(line, column, f"at most {LONGEST_EXPRESSION:,} characters", f"{len(text):,}")
    return next((Problem(*place(text, offset), *words) for offset, *words in _strange(text)), None)


def _strange(text: str) -> Iterator[tuple[int, str, str]]:
    for offset, char in enumerate(text):
        if unicodedata.category(char) in ("Cc", "Cs", "Cn", "Co", "Cf") and char not in "\t\n\r":
            # Also in texts: characters that nobody sees make two texts look the same.
            yield offset, "a character that can be seen", _named(char)
            return
    depth = 0
    for token in _TOKEN.finditer(text):
        char = token["other"]
        if not char:
            continue
        if not char.isascii():
            alike = _ALIKE.get(char) or unicodedata.normalize("NFKC", char)
            looks = f", which looks like {alike}" if alike.isascii() else ""
            yield token.start(), "letters a to z, digits and signs outside of quotes", _named(char) + looks
        if char in "\"'":
            yield token.start(), "a closing quote on the same line", "none"
        depth += (char in "([{") - (char in ")]}")
        if depth > DEEPEST_NESTING:
            yield token.start(), f"at most {DEEPEST_NESTING} brackets within each other", "more"


def _named(char: str) -> str:
    shown = f"{char} " if char.isprintable() else ""
    return f"{shown}(U+{ord(char):04X} {unicodedata.name(char, 'without a name')})"
