"""Renders what came of a backtest for people."""

from __future__ import annotations

from rich.console import Console

from console.api import Json
from console.tables import table, when

__all__ = ["print_backtest_result"]

OUTCOMES = ("approve", "review", "decline")
RULES = ("rule", "fired then", "fires now", "alone", "in error", "without a value")
MONEY = ("currency", "declined then", "declined now", "newly declined", "newly approved")
EXAMPLES = ("decision_id", "transaction", "time", "then", "now", "score then", "score now", "rules gone", "rules new")
SHOWN = 20
"""Examples, and rules, that are shown; the API has more."""


def print_backtest_result(console: Console, result: Json) -> None:
    """Prints outcomes, rules, money, whom it would have met, and examples."""
    cells = {(each["before"], each["after"]): int(each["decisions"]) for each in result["outcomes"]}
    other = sum(count for (before, after), count in cells.items() if before != after)
    said = f"{result['decisions']} decisions, {other} with another outcome"
    if int(result["unreadable"]):
        said += f"; {result['unreadable']} could not be decided anew"
    console.print(said, markup=False, soft_wrap=True)
    rows = [[before, *(str(cells.get((before, after), 0)) for after in OUTCOMES)] for before in OUTCOMES]
    console.print(table(("then", *(f"now {after}" for after in OUTCOMES)), rows))
    if result["rules"]:
        console.print(table(RULES, map(_rule_row, result["rules"][:SHOWN])))
    if result["money"]:
        names = ("currency", "declined_before", "declined_after", "newly_declined", "newly_approved")
        console.print(table(MONEY, [[each[name] for name in names] for each in result["money"]]))
    for each in result["affected"]:
        more = "more than " if each["more"] else ""
        words = f"{more}{each['values']} values of {each['field']} would newly have met {each['outcome']}"
        console.print(words, markup=False, soft_wrap=True)
    if result["examples"]:
        console.print(table(EXAMPLES, map(_example_row, result["examples"][:SHOWN])))


def _rule_row(rule: Json) -> list[str]:
    return [rule["code"], *(str(rule[name]) for name in ("before", "after", "alone", "errors", "not_enough_data"))]


def _example_row(example: Json) -> list[str]:
    return [
        example["decision_id"], example["transaction_id"], when(example["event_time"]), example["before"],
        example["after"], f"{example['score_before']:.3f}", f"{example['score_after']:.3f}",
        ", ".join(example["rules_gone"]), ", ".join(example["rules_new"]),
    ]  # fmt: skip
