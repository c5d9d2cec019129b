"""`rampart replay`: sends a file of transactions through the REST edge and reports what was decided."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import re
import sys
import time
from pathlib import Path

import uvloop
from rich.console import Console

from console.arguments import decimal, whole
from console.failure import CommandFailure
from console.http import HttpClient
from console.replaying.journal import Journal, Subject
from console.replaying.order import AnyOrder, KeyOrder
from console.replaying.pace import FixedRate, FullSpeed, Pace, TimeScale
from console.replaying.progress import showing
from console.replaying.records import TransactionFile
from console.replaying.replayer import Replayer
from console.replaying.report import Run, show
from console.replaying.results import Results
from console.replaying.sender import Sender
from console.target import AccessTokens, add_target, chosen_target

INTERRUPTED = 130
MOST_ROWS = 10**12
MOST_SPEED = 10**9
MOST_CONNECTIONS = 4_096
LONGEST_PATIENCE = 86_400
"""Seconds."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "replay",
        help="send a CSV file of transactions through the REST edge",
        description="Sends a CSV file of transactions through the REST edge and reports what was decided. "
        "An interrupted replay goes on where it stopped; no transaction is decided twice.",
    )
    parser.add_argument(
        "file", type=Path, help="columns of `rampart simulate` or of the Fraud Detection Handbook; .gz too"
    )
    parser.add_argument("--limit", type=whole(1, MOST_ROWS), metavar="N", help="send the first N transactions only")
    parser.add_argument(
        "--name", type=data_set, help="name of the data set, in front of transaction ids (default: that of the file)"
    )
    _add_speed(parser)
    parser.add_argument(
        "--concurrency", type=whole(1, MOST_CONNECTIONS), default=64, metavar="N", help="requests at once (default: 64)"
    )
    parser.add_argument(
        "--ordered",
        action="store_true",
        help="keep the order of events that share a user, merchant, device, address or card",
    )
    parser.add_argument(
        "--patience",
        type=decimal(0, LONGEST_PATIENCE, above=True),
        default=60.0,
        metavar="S",
        help="seconds to wait for a platform that does not answer (default: 60)",
    )
    add_target(parser)
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume", action="store_true", help="go on where the last replay of this file stopped (default)"
    )
    again.add_argument("--restart", action="store_true", help="send everything again; stored decisions are returned")
    parser.set_defaults(run=run)


def _add_speed(parser: argparse.ArgumentParser) -> None:
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument("--rate", type=rate, metavar="N/s", help="transactions per second (default: as fast as allowed)")
    speed.add_argument(
        "--time-scale",
        type=decimal(0, MOST_SPEED, above=True),
        metavar="X",
        help="X times as fast as the events happened",
    )


def data_set(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text):
        raise argparse.ArgumentTypeError("use up to 64 letters, digits, dots, dashes and underscores")
    return text


def rate(text: str) -> float:
    return decimal(0, MOST_SPEED, above=True)(text.removesuffix("/s"))


def run(arguments: argparse.Namespace) -> int:
    """Replays a file. Returns 0 if every transaction has a decision; raises Failure."""
    with contextlib.closing(Replay(arguments, Console())) as replay:
        return replay.run()


class Replay:
    """One run of the command."""

    def __init__(self, arguments: argparse.Namespace, console: Console) -> None:
        self._arguments = arguments
        self._console = console
        self._file = TransactionFile(arguments.file, arguments.name)
        self._target = chosen_target(arguments)
        self._journal = Journal(arguments.home / "replays" / f"{self._file.name}.replay.jsonl")

    def run(self) -> int:
        """Checks the file, sends what has no decision yet, and shows the result. Raises Failure."""
        results = self._results()
        before, started = results.decided, time.monotonic()
        end, retries = self._send(results)
        run = Run(results.decided - before, time.monotonic() - started, retries)
        show(self._console, self._file.name, results, run)
        left = len(results) - results.decided
        if left == 0:
            return 0
        hint = what_is_left(left, results.failed)
        if isinstance(end, KeyboardInterrupt):
            print(f"Interrupted. {hint}", file=sys.stderr)
            return INTERRUPTED
        raise CommandFailure(f"{end or ''} {hint}".lstrip())

    def close(self) -> None:
        self._journal.close()

    def _results(self) -> Results:
        digest = file_digest(self._file.path)
        with self._console.status(f"Checking {self._file.path}"):
            results = Results(self._file.check(self._arguments.limit))
        subject = Subject(digest, self._file.name, self._target.client_id)
        for answer in self._journal.open(subject, restart=self._arguments.restart):
            if not answer.error:
                results.add(answer)
        return results

    def _send(self, results: Results) -> tuple[CommandFailure | KeyboardInterrupt | None, int]:
        """Returns what ended it early, if anything, and how many requests were sent again."""
        senders: list[Sender] = []
        end: CommandFailure | KeyboardInterrupt | None = None
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._replay(results, senders))
        except (CommandFailure, KeyboardInterrupt) as early:
            end = early
        return end, sum(sender.retries for sender in senders)

    async def _replay(self, results: Results, senders: list[Sender]) -> None:
        arguments = self._arguments
        with (
            contextlib.closing(HttpClient(self._target.base_url, connections=arguments.concurrency)) as client,
            contextlib.closing(AccessTokens(self._target)) as tokens,
        ):
            sender = Sender(client, tokens, patience=arguments.patience)
            senders.append(sender)
            replayer = Replayer(
                sender,
                self._journal,
                results,
                order=KeyOrder() if arguments.ordered else AnyOrder(),
                pace=pace(arguments),
                concurrency=arguments.concurrency,
            )
            async with showing(self._console, results, sender):
                await replayer.run(self._file.records(arguments.limit))


def what_is_left(left: int, refused: int) -> str:
    """Says how many rows have no decision. Those that were refused will be so again until somebody mends the cause."""
    said = f"{left:,} transactions have no decision"
    if refused < left:
        said += "; the same command goes on with them"
    if refused:
        said += f"; {refused:,} were refused as shown above, and will be again until the cause is mended"
    return f"{said}."


def pace(arguments: argparse.Namespace) -> Pace:
    if arguments.rate is not None:
        return FixedRate(arguments.rate)
    return TimeScale(arguments.time_scale) if arguments.time_scale is not None else FullSpeed()


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of the content in hexadecimal. Raises Failure if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CommandFailure(f"Cannot read {path}: {error.strerror}.") from error
