"""Says why an expression is refused, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["ExpressionRefused", "Problem"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an expression."""

    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    expected: str
    found: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: expected {self.expected}, found {self.found}"


class ExpressionRefused(Exception):
    """An expression that is not in the language, with every problem that was seen, in the order of the text."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)
