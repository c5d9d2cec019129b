"""Options that clients and API keys have in common, and what they become in a request."""

from __future__ import annotations

import argparse

from console.api import Json
from console.arguments import length, units

__all__ = ["REPLACED", "add_grace", "add_program", "grace"]


REPLACED = "instead of those that it has; may be repeated"
"""What an option of a program says that is there: a list is replaced whole."""


def add_program(parser: argparse.ArgumentParser, what: str, stop: str, *, new: bool = True) -> None:
    """Adds what is said of a program that is new, or there. `stop` says what to do instead of a limit of nothing."""
    scopes, rate = "may be repeated (default: all that are not elevated)", "requests per second"
    parser.add_argument("--name", dest="display_name", help=f"what the {what} is for")
    parser.add_argument("--scope", dest="scopes", action="append", help=scopes if new else REPLACED)
    rate = f"{rate} (default 100)" if new else rate
    parser.add_argument("--rate-limit", type=units(stop), metavar="N", help=rate)


def add_grace(parser: argparse.ArgumentParser) -> None:
    """Adds for how long a secret that is replaced is good."""
    parser.add_argument("--grace", type=length, metavar="TIME", help="such as 15m or 7d, up to 30d; 0s for none")


def grace(arguments: argparse.Namespace) -> Json:
    """Returns what is asked for with the option of `add_grace`."""
    return {} if arguments.grace is None else {"grace": f"{arguments.grace}s"}
