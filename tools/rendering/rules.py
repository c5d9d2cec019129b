"""Renders the page about the language of rules from the table of its functions and their bounds."""

from __future__ import annotations

from services.fraud.domain.expressions import arithmetic, tree
from services.fraud.domain.expressions.functions import FUNCTIONS, Function
from services.fraud.expressions import patterns, scan
from tools.rendering.text import fill, template

__all__ = ["page"]


def page() -> str:
    """Returns docs/rules.md."""
    return fill(
        template("rules.md"),
        functions="\n".join(map(_row, FUNCTIONS)),
        characters=f"{scan.LONGEST_EXPRESSION:,}",
        nodes=str(tree.MOST_NODES - 1),
        depth=str(scan.DEEPEST_NESTING),
        cost=f"{tree.MOST_COST // 100:,}",
        joined=f"{arithmetic.LONGEST_TEXT:,}",
        pattern=str(patterns.LONGEST_PATTERN),
        program=str(patterns.LARGEST_PROGRAM),
        searched=f"{patterns.LONGEST_SEARCHED:,}",
    )


def _row(function: Function) -> str:
    return f"| `{_cell(function.form)}` | {function.words} | `{_cell(function.example)}` |"


def _cell(code: str) -> str:
    return code.replace("|", "\\|")
