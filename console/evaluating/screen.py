"""Shows what an evaluation is doing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from console.evaluating.run import EvaluationStep
from console.replaying.results import Results

__all__ = ["show_steps"]

TICK_SECONDS = 0.25


async def show_steps(console: Console, steps: AsyncIterator[EvaluationStep], results: Results) -> None:
    """Takes all steps, and shows the one that is being done; of payments how many are decided."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        task = progress.add_task("", total=None)
        before, counted = 0, False

        async def tick() -> None:
            while True:
                if counted:
                    progress.update(task, completed=results.decided - before)
                progress.refresh()
                await asyncio.sleep(TICK_SECONDS)

        ticker = asyncio.create_task(tick())
        try:
            async for step in steps:
                before, counted = results.decided, step.counts_decisions
                progress.update(task, description=step.what, completed=step.done, total=step.total or None)
        finally:
            ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticker
