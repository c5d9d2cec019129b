"""Shows a task while it is followed: a progress bar on a terminal, a line for each change elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Task as Row
from rich.text import Text

from console.api import Json
from console.plain import plain
from console.tables import state_text
from console.tasking.follow import FINAL
from console.tasking.tables import error_text, progress_text


class Display(Protocol):
    """Shows the states of one task."""

    def __enter__(self) -> Display: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self, task: Json) -> None:
        """Shows the task as it is now."""


class Bar:
    """A bar that moves: with a total it fills, without one it runs to and fro."""

    def __init__(self, console: Console) -> None:
        columns = (
            _State(), TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[said]}",
            markup=False), TimeElapsedColumn(), TimeRemainingColumn(),
        )  # fmt: skip
        self._progress = Progress(*columns, console=console)
        self._row = self._progress.add_task("", total=None, said="", state="")

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def update(self, task: Json) -> None:
        progress = task.get("progress") or {}
        done, total = progress.get("done", 0), progress.get("total", 0) or None
        if task["state"] in FINAL and total is None:
            done = total = max(1, done)  # what is over does not run to and fro
        said = progress_text(task.get("progress"))
        self._progress.update(
            self._row, description=plain(task["title"]) or task["kind"], completed=done, total=total, said=said,
            state=task["state"], refresh=True,
        )  # fmt: skip


class Lines:
    """A line for each change, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last = ""

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self, task: Json) -> None:
        failed = error_text(task.get("error"))
        line = f"{task['state']} {progress_text(task.get('progress'))} {failed}".strip()
        if line != self._last:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
        self._last = line


def display(console: Console) -> Display:
    """Chooses by where it is shown."""
    return Bar(console) if console.is_terminal else Lines(console)


class _State(ProgressColumn):
    """The state in its colour."""

    def render(self, task: Row) -> Text:
        return state_text(task.fields["state"])
