"""`python -m tests.load.trainings`: measures what a training does to the answers of checks, at 120 checks/s.

A platform with some 57,000 payments of 30 days and their labels is loaded in turns: without a training, and while a
model of 1,000 trees is trained. The training ends before the next turn.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from console.api import Api, Json
from console.failure import CommandFailure
from console.target import Target as Login
from tests.load.frame import bench_console, bounded, run_bench, state_folder
from tests.load.machine import describe
from tests.load.platforms import Rampart
from tests.load.rounds import Run, generate, observe

__all__ = ["observe_checks", "p99_of", "words_of"]

LONGEST_SECONDS = 1_500.0
MODEL, RATE = "/api/v1/models/measured", "120"
QUIET, TRAINING = "quiet", "while a model is trained"
START, END = "2026-01-01", "2026-01-31"
TRAINED = {
    "since": f"{START}T00:00:00Z", "until": f"{END}T00:00:00Z", "test_days": 5, "delay_days": 5,
    "parameters": {"trees": 1_000, "depth": 6},
}  # fmt: skip
POLL_SECONDS = 0.2
Figures = dict[str, list[Run]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.trainings", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn")
    arguments = parser.parse_args()
    return run_bench(lambda: _bench(arguments.rounds, arguments.seconds))


def _bench(rounds: int, seconds: float) -> None:
    console = bench_console()
    with state_folder() as folder:
        platform = Rampart("trained", folder / "trained", coalesce=True)
        work = _measure(platform, folder, rounds, seconds, partial(console.print, highlight=False))
        figures = asyncio.run(bounded(LONGEST_SECONDS, work))
    console.print(", ".join(f"{name} {value}" for name, value in describe().items()), highlight=False)
    for name, runs in figures.items():
        console.print(f"{name:26} {words_of(runs)}", highlight=False)
    ratio = p99_of(figures[TRAINING]) / p99_of(figures[QUIET])
    console.print(f"p99 while a model is trained: {ratio:.2f} times that without", highlight=False)


async def _measure(platform: Rampart, folder: Path, rounds: int, seconds: float, say: Callable[[str], None]) -> Figures:
    figures: Figures = {QUIET: [], TRAINING: []}
    async with contextlib.AsyncExitStack() as started:
        started.push_async_callback(platform.stop)
        await platform.start()
        client = platform.dev["client"]
        login = Login(platform.dev["base_url"], platform.dev["token_url"], client["client_id"], client["client_secret"])
        api = started.enter_context(contextlib.closing(Api(login)))
        say("filling")
        await _fill(api, folder / "trained", folder / "trained/payments.csv")
        await observe_checks(platform, 0, seconds / 3)
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}")
            figures[QUIET].append(await observe_checks(platform, number, seconds))
            version = await _begin(api)
            figures[TRAINING].append(await observe_checks(platform, number, seconds))
            await _end(api, version, say)
    return figures


async def _fill(api: Api, home: Path, file: Path) -> None:
    await _rampart("simulate", "--start", START, "--days", "30", "-o", str(file))
    await _rampart("replay", str(file), "--home", str(home))
    with file.open() as read:
        frauds = [row for row in csv.DictReader(read) if row["is_fraud"] == "1"]
    labels = file.with_name("labels.csv")
    lines = [f"{row['transaction_id']},fraud,{row['event_time']}" for row in frauds]
    labels.write_text("\n".join(["transaction_id,label,known_time", *lines, ""]))
    await _rampart("label", "import", str(labels), "--home", str(home))
    await api.call("POST", "/api/v1/models", {"name": "measured"})


async def _rampart(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise CommandFailure(f"rampart {arguments[0]} failed: {said.decode(errors='replace')[-500:]}")


async def _begin(api: Api) -> Json:
    """Returns a version whose trees grow already."""
    version = await api.call("POST", f"{MODEL}/versions:train", TRAINED)
    while version["state"] == "pending" or "progress" not in version:
        await asyncio.sleep(POLL_SECONDS)
        version = await api.call("GET", f"{MODEL}/versions/{version['version']}")
    return version


async def _end(api: Api, version: Json, say: Callable[[str], None]) -> None:
    path = f"{MODEL}/versions/{version['version']}"
    before = await api.call("GET", path)
    if before["state"] == "ready":
        say("  the training ended before the load")
    else:
        await api.call("POST", f"{path}:cancel", {})
    while (await api.call("GET", path))["state"] in ("running", "cancelling"):
        await asyncio.sleep(POLL_SECONDS)


async def observe_checks(platform: Rampart, number: int, seconds: float) -> Run:
    """Loads the platform with checks at the rate for some seconds."""
    target = await platform.target()
    options = ("--users", "600", "--rate", RATE)
    return await observe(
        platform, "paced", number, lambda: generate(target, "paced", 1.0, seconds, number + 1, *options)
    )


def p99_of(runs: Sequence[Run]) -> float:
    """Returns the median of the runs, in milliseconds."""
    return median(run.result.latency_ms.p99 for run in runs)


def words_of(runs: Sequence[Run]) -> str:
    """Returns what is printed of the runs of one kind."""
    p50, errors = (
        median(run.result.latency_ms.p50 for run in runs),
        sum(sum(run.result.errors.values()) for run in runs),
    )
    each = ", ".join(f"{run.result.latency_ms.p99:.1f}" for run in runs)
    return f"p50 {p50:.1f} ms, p99 {p99_of(runs):.1f} ms (each: {each}), {errors} errors"


if __name__ == "__main__":
    sys.exit(main())
