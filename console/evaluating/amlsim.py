"""`rampart evaluate amlsim`: finds accounts that launder money by the graph, in transfers of the simulator AMLSim."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from rich.console import Console

from console.api import Api, Json
from console.arguments import whole
from console.evaluating.laundering import BEST, LaunderingRun, Ranking, rank, written_score
from console.evaluating.notes import Notes
from console.evaluating.tenant import own_target
from console.evaluating.transfers import SimulatedTransfers, step_length
from console.http import HttpClient
from console.replay import file_digest
from console.replaying.sender import Sender
from console.tables import output, table
from console.target import AccessTokens, add_target

if TYPE_CHECKING:
    from argparse import _SubParsersAction

SCOPES = (
    "decision:create", "decision:read", "fraud:backfill", "event_type:read", "event_type:write", "scenario:read",
    "scenario:write",
)  # fmt: skip
HELP = """Replays transfers through the REST edge of the platform, in a tenant of their own with features of the graph,
and ranks accounts by a written score of what the graph knows of them at the end: no label is used. Interrupted, the
same command goes on where it stopped."""
START = "start"
CHECKS = "/api/v1/events:check"
PATIENCE_SECONDS = 120.0


def add_amlsim(actions: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `evaluate amlsim`."""
    amlsim = actions.add_parser("amlsim", help="transfers of the simulator AMLSim", description=HELP)
    amlsim.add_argument("path", type=Path, metavar="PATH", help="a folder with nodes.csv and transactions.csv, .gz too")
    amlsim.add_argument(
        "--concurrency", type=whole(1, 4_096), default=64, metavar="N", help="requests at once (default: 64)"
    )
    amlsim.add_argument("--restart", action="store_true", help="begin anew, in another tenant")
    amlsim.add_argument("--json", action="store_true", help="print JSON for scripts")
    add_target(amlsim)
    amlsim.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_evaluate(arguments))


async def _evaluate(arguments: argparse.Namespace) -> int:
    console = Console(stderr=True)
    simulated = SimulatedTransfers(arguments.path)
    digest = file_digest(simulated.transfers_file)
    notes = Notes(arguments.home, f"amlsim-{digest[:8]}", restart=arguments.restart)
    target = await own_target(arguments, notes, SCOPES)
    with (
        contextlib.closing(Api(target)) as api,
        contextlib.closing(HttpClient(target.base_url, connections=arguments.concurrency)) as client,
        contextlib.closing(AccessTokens(target)) as tokens,
    ):
        sender = Sender(client, tokens, patience=PATIENCE_SECONDS, path=CHECKS)
        run = LaunderingRun(api, sender, simulated, _start(notes, simulated.steps), arguments.concurrency)
        accounts, took = await _run_all(run, console)
    rankings = _rankings(accounts, list(simulated.is_fraud.values()))
    if arguments.json:
        told = {"transfers": run.sent, "degraded": run.degraded, "sent_seconds": took[0], "seconds": took[1]}
        print(json.dumps({**told, "scores": [asdict(each) for each in rankings]}))
        return 0
    rows = [
        (each.name, *(f"{value:.3f}" for value in (each.auc, each.average_precision, each.precision)))
        for each in rankings
    ]
    output().print(table(("score", "AUC ROC", "average precision", f"precision@{BEST:,}"), rows))
    words = f"{run.sent:,} transfers in {took[0]:.0f} s, all of them in the graph after {took[1]:.0f} s."
    output().print(f"{words} {run.degraded:,} were decided without all inputs.")
    return 0


async def _run_all(run: LaunderingRun, console: Console) -> tuple[Sequence[Json | None], tuple[float, float]]:
    """Returns what the graph knows of each account, and in how many seconds transfers were sent, and it knew all."""
    with console.status("Declaring features of the graph") as status:
        await run.declare()
        status.update("Transfers are decided")
        began = time.monotonic()
        await run.send()
        sent_in = time.monotonic() - began
        status.update("Reading accounts")
        accounts = [each async for each in run.accounts()]
    return accounts, (sent_in, time.monotonic() - began)


def _start(notes: Notes, steps: int) -> datetime:
    """Returns the day of the first step, such that the last one is over: the same when an evaluation goes on."""
    noted = notes.get(START)
    if not noted:
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        noted = {"day": (today - steps * step_length(steps) - timedelta(days=1)).isoformat()}
        notes.put(START, noted)
    return datetime.fromisoformat(noted["day"])


def _rankings(accounts: Sequence[Json | None], fraud: Sequence[bool]) -> Sequence[Ranking]:
    def of(name: str) -> Sequence[float]:
        return [float(each[name]) if each is not None else 0.0 for each in accounts]

    return [
        rank("distinct accounts that it got money from", of("fan_in"), fraud),
        rank("most transfers with one other", of("most_repeats"), fraud),
        rank("cycles", of("cycles"), fraud),
        rank("written score", [written_score(each) for each in accounts], fraud),
    ]
