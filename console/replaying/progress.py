"""Shows the progress bar of a replay."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from console.replaying.results import Results
from console.replaying.sender import Sender

TICK = 0.1


@contextlib.asynccontextmanager
async def showing(console: Console, results: Results, sender: Sender) -> AsyncIterator[None]:
    """Shows a progress bar."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[again]} sent again"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        task = progress.add_task("", total=len(results), completed=results.decided, again=0)

        def refresh() -> None:
            progress.update(task, completed=results.decided + results.failed, again=sender.retries, refresh=True)

        async def tick() -> None:
            while True:
                refresh()
                await asyncio.sleep(TICK)

        ticker = asyncio.create_task(tick())
        try:
            yield
        finally:
            ticker.cancel()
            refresh()
