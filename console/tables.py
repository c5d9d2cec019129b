"""Prints lists for people, as wide as the terminal, and one JSON object a line for scripts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.plain import plain

__all__ = ["Row", "output", "print_fields", "show", "state_text", "table", "when"]

Row: TypeAlias = Callable[[Any], Sequence[str | Text]]
"""Makes the cells of an item."""
WIDTH = 200
"""Of tables that go into a file or a pipe."""
STYLES = {
    "running": "cyan", "cancelling": "yellow", "succeeded": "green", "active": "green", "failed": "red",
    "dead": "bold red", "expired": "red", "cancelled": "yellow", "paused": "yellow",
    "enabled": "green", "disabled": "yellow", "ready": "green", "not ready": "yellow", "gone": "bold red",
}  # fmt: skip


def output() -> Console:
    """Returns the console of this process: as wide as the terminal, wide where there is none."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    """Returns a table of texts, none of which is taken for markup."""
    made = Table()
    for name in columns:
        # An id that is cut short cannot be copied.
        made.add_column(name, no_wrap=name.endswith("_id"), overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(plain(cell)) for cell in row))
    return made


def show(console: Console, made: Table, count: int, what: str) -> None:
    """Prints a list, or that it is empty."""
    console.print(made if count else f"no {what}", soft_wrap=False)


def print_fields(shown: Mapping[str, Any], *, as_json: bool) -> None:
    """Prints one object, a field a line or as JSON."""
    print(
        json.dumps(shown) if as_json else "\n".join(f"{name:<14} {plain(str(value))}" for name, value in shown.items())
    )


def state_text(state: str) -> Text:
    return Text(plain(state), style=STYLES.get(state, ""))


def when(time: str | None) -> str:
    """Returns a time of the API in this machine's time zone, to the second."""
    if not time:
        return ""
    return datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone().strftime("%Y-%m-%d %H:%M:%S")
