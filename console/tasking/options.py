"""Options that tasks and schedules share, and what they become in a request."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from console.target import add_target

PRIORITIES = ("low", "normal", "high", "urgent")
DEFAULT_LIMIT = 50


def add_output(parser: argparse.ArgumentParser) -> None:
    """Adds --json and the options that choose the platform."""
    parser.add_argument("--json", action="store_true", help="print JSON for scripts, one object a line")
    add_target(parser)


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Adds how many items a list shows at most."""
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--limit", type=positive, default=DEFAULT_LIMIT, metavar="N", help="at most so many (default %(default)s)"
    )
    size.add_argument("--all", dest="limit", action="store_const", const=None, help="as many as there are")


def add_work(parser: argparse.ArgumentParser) -> None:
    """Adds what is said of the work itself."""
    parser.add_argument("--kind", help="which workers do it, such as report.daily (default: manual, for a person)")
    parser.add_argument("--priority", choices=PRIORITIES, help="(default normal)")
    parser.add_argument(
        "--arguments", type=json_object, metavar="JSON", help="what it is done with: an object, or @FILE that holds one"
    )
    parser.add_argument("--max-attempts", type=positive, metavar="N", help="attempts until it is dead (default 5)")


def given(arguments: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Returns the options that were given, by name."""
    found = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def json_object(text: str) -> dict[str, Any]:
    """Reads an object from the option itself or from the file that it names."""
    try:
        value = json.loads(Path(text[1:]).read_text() if text.startswith("@") else text)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot read {text[1:]}: {error.strerror}") from error
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError("not a JSON object")
    return value


def point_in_time(text: str) -> str:
    """Reads a time of ISO 8601; one without an offset is of this machine's time zone."""
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-01-31T08:00") from error
