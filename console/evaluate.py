"""`rampart evaluate`: measures the whole platform on public data, through its API."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from rich.console import Console

from console.api import Api
from console.arguments import calendar_date, whole
from console.evaluating.amlsim import add_amlsim
from console.evaluating.measures import measure
from console.evaluating.notes import FOLDER, Notes
from console.evaluating.platform import EvaluatedPlatform
from console.evaluating.recipe import TRAINED_DAYS
from console.evaluating.report import print_json, show_measures
from console.evaluating.run import EvaluationRun
from console.evaluating.screen import show_steps
from console.evaluating.tenant import own_target
from console.evaluating.transactions import Transactions
from console.evaluating.weeks import DELAY_DAYS, TEST_DAYS, Week, last_weeks, measured_days
from console.failure import CommandFailure, WrongArgument
from console.http import HttpClient
from console.replay import file_digest
from console.replaying.journal import Journal, Subject
from console.replaying.order import KeyOrder
from console.replaying.pace import FullSpeed
from console.replaying.records import Record, TransactionFile
from console.replaying.replayer import Replayer
from console.replaying.results import Results
from console.replaying.sender import Sender
from console.tables import output
from console.target import AccessTokens, add_target

if TYPE_CHECKING:
    from argparse import _SubParsersAction

WEEKS = 4
PATIENCE_SECONDS = 120.0
LEAST_DAYS = DELAY_DAYS + TRAINED_DAYS
"""Of the file before a week that is tested."""
SCOPES = (
    "decision:create", "fraud:backfill", "event_type:read", "event_type:write", "label:write",
    "model:read", "model:write", "scenario:read", "scenario:write", "scenario:publish",
)  # fmt: skip
HANDBOOK_HELP = """Replays card payments of the Fraud Detection Handbook through the REST edge of the platform, in a
tenant of their own. Fraud is made known by labels seven days late; before each test week a model is trained on four
weeks, calibrated and deployed, all by the platform itself; what is measured are the scores of its answers. Interrupted,
the same command goes on where it stopped."""
PATH_HELP = "a CSV file with the columns of the handbook, .gz too, or a folder with one file transactions*"


def add_parser(subparsers: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the `evaluate` command."""
    parser = subparsers.add_parser("evaluate", help="measure how well the platform finds fraud, on public data")
    actions = parser.add_subparsers(required=True, metavar="DATA")
    handbook = actions.add_parser(
        "handbook", help="card payments of the Fraud Detection Handbook", description=HANDBOOK_HELP
    )
    handbook.add_argument("path", type=Path, metavar="PATH", help=PATH_HELP)
    handbook.add_argument(
        "--test-week", type=calendar_date, action="append", metavar="DATE",
        help=f"first of seven days to test on; repeatable (default: the last {WEEKS} whole weeks of the file)",
    )  # fmt: skip
    handbook.add_argument("--rules", action="store_true", help="decide by written rules alone, without a model")
    handbook.add_argument(
        "--shuffle-labels", type=whole(0, 2**31 - 1), metavar="SEED", dest="shuffle",
        help="have other transactions of each day be the frauds, drawn at random: an AUC other than 0.5 is a leak",
    )  # fmt: skip
    handbook.add_argument(
        "--concurrency", type=whole(1, 4_096), default=64, metavar="N", help="requests at once (default: 64)"
    )
    handbook.add_argument("--restart", action="store_true", help="begin anew, in another tenant")
    handbook.add_argument("--json", action="store_true", help="print JSON for scripts")
    add_target(handbook)
    handbook.set_defaults(run=run)
    add_amlsim(actions)


def run(arguments: argparse.Namespace) -> int:
    """Evaluates. Raises Failure."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_evaluate(arguments))


async def _evaluate(arguments: argparse.Namespace) -> int:
    console = Console(stderr=True)
    file = TransactionFile(_transactions_file(arguments.path))
    with console.status(f"Reading {file.path}"):
        digest = file_digest(file.path)
        transactions = Transactions.read(file.records(), arguments.shuffle)
    weeks = _weeks(arguments.test_week, transactions)
    with contextlib.closing(Evaluation(arguments, console, file, digest, transactions, weeks)) as evaluation:
        results = await evaluation.run()
    title = "rules alone" if arguments.rules else "models"
    if arguments.shuffle is not None:
        title = f"{title}, labels shuffled"
    tested = [place for week in weeks for day in measured_days(week, transactions) for place in day]
    measured = {week: measure(week, transactions, results.score) for week in weeks}
    degraded = sum(results.is_degraded(place) for place in tested)
    if arguments.json:
        print_json(title, measured, degraded)
    else:
        show_measures(output(), f"Fraud Detection Handbook, {title}", measured, degraded)
    return 0


class Evaluation:
    """One run of the command."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        console: Console,
        file: TransactionFile,
        digest: str,
        transactions: Transactions,
        weeks: Sequence[Week],
    ) -> None:
        self._arguments = arguments
        self._console = console
        self._file = file
        self._digest = digest
        self._transactions = transactions
        self._weeks = weeks
        how = "rules" if arguments.rules else "model"
        if arguments.shuffle is not None:
            how = f"{how}-shuffled-{arguments.shuffle}"
        # Other weeks are another evaluation: what decides depends on them.
        first, last = weeks[0], weeks[-1]
        self._name = f"handbook-{digest[:8]}-{first}-{last}-{len(weeks)}-{how}"
        self._notes = Notes(arguments.home, self._name, restart=arguments.restart)
        self._journal = Journal(arguments.home / FOLDER / f"{self._name}.jsonl")

    def close(self) -> None:
        self._journal.close()

    async def run(self) -> Results:
        """Decides what is not decided yet. Raises CommandFailure."""
        target = await own_target(self._arguments, self._notes, SCOPES)
        results = Results([bool(each) for each in self._transactions.fraud])
        subject = Subject(self._digest, self._name, target.client_id)
        for answer in self._journal.open(subject, restart=self._arguments.restart):
            if not answer.error:
                results.add(answer)
        with (
            contextlib.closing(Api(target)) as api,
            contextlib.closing(HttpClient(target.base_url, connections=self._arguments.concurrency)) as client,
            contextlib.closing(AccessTokens(target)) as tokens,
        ):
            sender = Sender(client, tokens, patience=PATIENCE_SECONDS)

            async def replay(records: Iterable[Record]) -> None:
                await self._replayer(sender, results).run(iter(records))

            platform = EvaluatedPlatform(api, calibrated=self._arguments.shuffle is None)
            run = EvaluationRun(platform, self._transactions, results, self._notes, replay)
            steps = run.run(self._file.records(), self._weeks, by_rules=self._arguments.rules)
            await show_steps(self._console, steps, results)
        return results

    def _replayer(self, sender: Sender, results: Results) -> Replayer:
        concurrency = self._arguments.concurrency
        # In the order in which they happened, for each customer and terminal: so are they labelled and counted.
        return Replayer(sender, self._journal, results, order=KeyOrder(), pace=FullSpeed(), concurrency=concurrency)


def _transactions_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = sorted(path.glob("transactions*.csv*"))
    if len(found) != 1:
        raise CommandFailure(f"{path} has {len(found)} files transactions*.csv*; name one of them.")
    return found[0]


def _weeks(starts: Sequence[date] | None, transactions: Transactions) -> Sequence[Week]:
    first, last = transactions.first, transactions.last
    weeks = [Week(each) for each in sorted(starts)] if starts else last_weeks(first, last, WEEKS)
    if not weeks:
        raise CommandFailure(f"The file has not even {TEST_DAYS} days.")
    for week in weeks:
        if week.start - timedelta(days=LEAST_DAYS) < first or week.end > last + timedelta(days=1):
            raise WrongArgument(
                f"The week of {week} cannot be tested: the file has {first} to {last}, and {LEAST_DAYS} days go before."
            )
    if any(one.end > other.start for one, other in pairwise(weeks)):
        raise WrongArgument("Test weeks must not overlap.")
    return weeks
