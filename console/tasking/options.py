"""Options that tasks and schedules share, and what they become in a request."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from console.arguments import json_object, whole
from console.target import add_target

PRIORITIES = ("low", "normal", "high", "urgent")
DEFAULT_LIMIT = 50
MOST_ITEMS = 10**9
MOST_ATTEMPTS = 100


def add_output(parser: argparse.ArgumentParser) -> None:
    """Adds --json and the options that choose the platform."""
    parser.add_argument("--json", action="store_true", help="print JSON for scripts, one object a line")
    add_target(parser)


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Adds how many items a list shows at most."""
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--limit",
        type=whole(1, MOST_ITEMS),
        default=DEFAULT_LIMIT,
        metavar="N",
        help="at most so many (default %(default)s)",
    )
    size.add_argument("--all", dest="limit", action="store_const", const=None, help="as many as there are")


def add_work(parser: argparse.ArgumentParser) -> None:
    """Adds what is said of the work itself."""
    parser.add_argument("--kind", help="which workers do it, such as report.daily (default: manual, for a person)")
    parser.add_argument("--priority", choices=PRIORITIES, help="(default normal)")
    parser.add_argument(
        "--arguments", type=json_object, metavar="JSON", help="what it is done with: an object, or @FILE that holds one"
    )
    parser.add_argument(
        "--max-attempts", type=whole(1, MOST_ATTEMPTS), metavar="N", help="attempts until it is dead (default 5)"
    )


def given(arguments: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Returns the options that were given, by name."""
    found = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}
