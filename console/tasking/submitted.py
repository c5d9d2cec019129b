"""Follows work that a service has submitted as a task, by asking what it is for."""

from __future__ import annotations

import argparse
import asyncio

from console.api import Api, Json
from console.tables import output
from console.tasking.bar import display
from console.tasking.follow import FINAL

__all__ = ["EXIT_STATUS", "FINAL_HELP", "followed"]

POLL_SECONDS = 0.5
EXIT_STATUS = {"succeeded": 0, "failed": 3, "dead": 4, "cancelled": 5}
FINAL_HELP = (
    f"The exit status says how it ended: {', '.join(f'{code} {state}' for state, code in EXIT_STATUS.items())}."
)


async def followed(api: Api, arguments: argparse.Namespace, item: Json, path: str, title: str) -> Json:
    """Shows how far it is until it has ended; `path` is what it is read by. Returns it as it is then."""
    with display(output()) as shown:
        while True:
            if not arguments.json:
                shown.update({**item, "title": title, "error": None})
            if item["state"] in FINAL:
                return item
            await asyncio.sleep(POLL_SECONDS)
            item = await api.call("GET", path)
