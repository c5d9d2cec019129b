"""Renders the drift of a version of a model for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from console.api import Json
from console.tables import table, when

__all__ = ["print_drift"]

INPUTS = ("value of", "stability index", "state", "missing", "usually missing")
DAYS = ("day", "events", "alerts", "score index", "farthest feature", "its index")
COLOURS = {"drifted": "red", "shifted": "yellow", "stable": "green", "unknown": "dim"}


def print_drift(console: Console, found: Json) -> None:
    """Prints the drift of the score, of each feature, and of each day."""
    console.print(_seen(found), markup=False, soft_wrap=True)
    console.print(_labelled(found["labelled"]), markup=False, soft_wrap=True)
    inputs = [*([found["score"]] if found.get("score") else []), *found["inputs"]]
    if inputs:
        console.print(table(INPUTS, map(_input_row, inputs)))
    else:
        console.print("nobody knows what it has learned from: it was imported", markup=False)
    if found["days"]:
        console.print(table(DAYS, map(_day_row, found["days"])))


def _seen(found: Json) -> str:
    usual = found.get("usual_alert_rate")
    compared = f", {_percent(usual)} where it was measured" if usual is not None else ""
    events = f"{int(found['rows']):,} events sampled since {when(found['since_time'])}"
    return f"{events}: {_percent(found['alert_rate'])} with a score of 0.95 and more{compared}"


def _labelled(labelled: Json) -> str:
    if "precision" not in labelled:
        return "none of these has a label yet"
    known = f"{labelled['frauds']} of {labelled['alerts']} of these that have a label were fraud"
    return f"{known}: {_percent(labelled['precision'])}"


def _input_row(each: Json) -> Sequence[str | Text]:
    state, missing = Text(each["state"], COLOURS[each["state"]]), [each["missing"], each["usually_missing"]]
    return each["name"], f"{each['stability_index']:.3f}", state, *map(_percent, missing)


def _day_row(each: Json) -> Sequence[str]:
    score = f"{each['score_index']:.3f}" if "score_index" in each else ""
    worst = f"{each['worst_index']:.3f}" if each["worst_input"] else ""
    return each["day"], f"{int(each['rows']):,}", _percent(each["alert_rate"]), score, each["worst_input"], worst


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
