"""Parses command lines: options have one spelling, and none is given twice."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

__all__ = ["CommandParser"]

_GIVEN = "_options_given"


class CommandParser(argparse.ArgumentParser):
    """Refuses with one sentence; also an option given twice, of which the last would count, and abbreviations."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)
        for name in (None, "store"):
            self.register("action", name, _StoreOnce)

    def error(self, message: str) -> NoReturn:
        """Ends the command with status 2."""
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help says what there is)\n")


class _StoreOnce(argparse.Action):
    """Stores the value of an option or argument."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        given = vars(namespace).setdefault(_GIVEN, set())
        if option_string is not None and self.dest in given:
            parser.error(f"argument {option_string}: is given twice")
        given.add(self.dest)
        setattr(namespace, self.dest, values)
