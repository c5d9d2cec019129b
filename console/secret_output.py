"""Hands a secret over that is shown this once: on the standard output, or in a file that nobody else may read."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from console.api import Api, Json
from console.failure import CommandFailure
from console.tables import output
from console.tasking.tables import details

__all__ = ["add_secret_file", "call_for_secret"]

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


def add_secret_file(parser: argparse.ArgumentParser) -> None:
    """Adds the option that names the file."""
    parser.add_argument(
        "--secret-file",
        type=Path,
        metavar="FILE",
        help="write the secret into this new file, which nobody else may read, instead of showing it",
    )


async def call_for_secret(
    api: Api, arguments: argparse.Namespace, path: str, asked: Json, *, item: str, secret: str, shown_as: str
) -> None:
    """Posts what answers with an `item` and its `secret`, and hands both over. Raises CommandFailure."""
    descriptor = _reserve(arguments)
    with _discarding(arguments, descriptor):
        # Not sent again: the secret of what was made the first time would be lost.
        made = await api.call("POST", path, asked, repeat=False)
    _hand_over(arguments, descriptor, made[item], shown_as, made.get(secret, ""))


def _reserve(arguments: argparse.Namespace) -> int | None:
    """Creates the file before there is a secret, for one that cannot be written would be lost.

    Returns its descriptor, None if the secret is to be shown. Raises CommandFailure.
    """
    if arguments.secret_file is None:
        return None
    try:
        return os.open(arguments.secret_file, _NEW, 0o600)
    except OSError as error:
        raise CommandFailure(f"Cannot create {arguments.secret_file} ({error.strerror}).") from error


@contextlib.contextmanager
def _discarding(arguments: argparse.Namespace, descriptor: int | None) -> Iterator[None]:
    """Removes the file again if what is done in the block fails: there is no secret then."""
    try:
        yield
    except BaseException:
        if descriptor is not None:
            os.close(descriptor)
            arguments.secret_file.unlink()
        raise


def _hand_over(arguments: argparse.Namespace, descriptor: int | None, item: Json, name: str, secret: str) -> None:
    """Prints what was made, and its secret under `name` unless that goes into the file."""
    if descriptor is not None:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secret}\n")
        shown = item | {"secret_file": str(arguments.secret_file)}
    else:
        shown = item | ({name: secret} if secret else {})
    if arguments.json:
        print(json.dumps(shown))
        return
    output().print(details({key: value for key, value in shown.items() if key != name}))
    if descriptor is None and secret:
        # On a line of its own, whole however narrow the terminal is.
        print(f"{name} (shown this once):\n{secret}")
