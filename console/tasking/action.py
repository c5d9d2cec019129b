"""The frame of an action: its options, the API that it calls, what it prints."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from console.api import Api, Json, open_api
from console.tables import Row, output, show, table
from console.tasking.options import add_output
from console.tasking.tables import details

if TYPE_CHECKING:
    from argparse import _SubParsersAction

Action = Callable[[Api, argparse.Namespace], Awaitable[int]]


def finish(parser: argparse.ArgumentParser, action: Action) -> None:
    """Adds the options that every action has, and makes the parser run it."""
    add_output(parser)
    parser.set_defaults(run=lambda arguments: asyncio.run(_act(action, arguments)))


def finish_each(
    actions: _SubParsersAction[argparse.ArgumentParser], argument: str, commands: Iterable[tuple[str, Action, str]]
) -> None:
    """Adds the actions on one item that take its identifier and nothing else: name, what is run, what it does."""
    for name, run, text in commands:
        one = actions.add_parser(name, help=text, description=text)
        one.add_argument(argument, metavar="ID")
        finish(one, run)


def print_item(arguments: argparse.Namespace, item: Json) -> None:
    """Prints one object: everything that is set in it, or JSON."""
    if arguments.json:
        print(json.dumps(item))
    else:
        output().print(details(item))


def print_parts(arguments: argparse.Namespace, item: Json, parts: Callable[[Json], Sequence[Table]]) -> None:
    """Prints one object, as the tables that it is made of or as JSON."""
    if arguments.json:
        print(json.dumps(item))
    else:
        for part in parts(item):
            output().print(part)


async def print_pages(
    arguments: argparse.Namespace, items: AsyncIterable[Json], columns: Sequence[str], row: Row, what: str
) -> None:
    """Prints a list: one object a line as it comes as JSON, or all of it as a table."""
    if arguments.json:
        async for each in items:
            print(json.dumps(each))
        return
    rows = [row(each) async for each in items]
    show(output(), table(columns, rows), len(rows), what)


async def _act(action: Action, arguments: argparse.Namespace) -> int:
    async with open_api(arguments) as api:
        return await action(api, arguments)
