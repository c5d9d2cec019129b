"""The frame of an action: its options, the API that it calls, what it prints."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable

from console.api import Api, Json, open_api
from console.tables import output
from console.tasking.options import add_output
from console.tasking.tables import details

Action = Callable[[Api, argparse.Namespace], Awaitable[int]]


def finish(parser: argparse.ArgumentParser, action: Action) -> None:
    """Adds the options that every action has, and makes the parser run it."""
    add_output(parser)
    parser.set_defaults(run=lambda arguments: asyncio.run(_act(action, arguments)))


def print_item(arguments: argparse.Namespace, item: Json) -> None:
    """Prints one object: everything that is set in it, or JSON."""
    if arguments.json:
        print(json.dumps(item))
    else:
        output().print(details(item))


async def _act(action: Action, arguments: argparse.Namespace) -> int:
    async with open_api(arguments) as api:
        return await action(api, arguments)
