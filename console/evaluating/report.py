"""Prints what an evaluation measured."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from console.evaluating.measures import CERTAIN, WeekMeasures, mean_of
from console.evaluating.weeks import Week

__all__ = ["print_json", "show_measures"]

COLUMNS = (
    "test week", "payments", "frauds", "AUC ROC", "average precision", "card precision@100", "calibration error",
    f"scores of {CERTAIN} and more", "of them fraud",
)  # fmt: skip


def show_measures(console: Console, title: str, measured: Mapping[Week, WeekMeasures], degraded: int) -> None:
    """Prints a line a week, and their mean."""
    table = Table(*COLUMNS, title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for week, each in measured.items():
        table.add_row(f"{week}", *_cells(each), end_section=week == list(measured)[-1])
    table.add_row("mean", *_cells(mean_of(list(measured.values()))))
    console.print(table)
    if degraded:
        console.print(f"{degraded:,} of the tested payments were decided without all inputs.")


def print_json(title: str, measured: Mapping[Week, WeekMeasures], degraded: int) -> None:
    """Prints one object for scripts."""
    told: dict[str, Any] = {
        "evaluation": title,
        "weeks": [{"start": str(week), **_plain(each)} for week, each in measured.items()],
        "mean": _plain(mean_of(list(measured.values()))),
        "degraded": degraded,
    }
    print(json.dumps(told))


def _plain(measures: WeekMeasures) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in asdict(measures).items()}


def _cells(each: WeekMeasures) -> Sequence[str]:
    shares = (each.auc, each.average_precision, each.card_precision)
    return (
        f"{each.transactions:,}",
        f"{each.frauds:,}",
        *(_share(value) for value in shares),
        _share(each.calibration_error, 5),
        f"{each.certain:,}",
        _share(each.certain_true),
    )


def _share(value: float, digits: int = 4) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
