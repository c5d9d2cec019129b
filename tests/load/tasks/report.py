"""The figures of the load test of tasks, beside those of the article."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from console.metrics import ratio
from tests.load.report import batch_lines, costs_table, errors_of, lost_lines, new_table, spread, spread_of
from tests.load.result import Result
from tests.load.rounds import Run
from tests.load.tasks.rounds import SATURATED, THINKING, TaskPlan
from tests.load.users import CREATE, LIST

__all__ = ["TaskFigures", "show", "write"]

ARTICLE = ("the article", "4,200", "", "95", "280", "520", "", "", "", "")
ARTICLE_REMARK = (
    "The article's figures come from more machines than one, and a tenth of a percent of its answers were errors. "
    "10,000 users who think 0.3 s in the mean and get 4,200 answers/s wait 2.1 s for each (Little's law): "
    "its latencies and its throughput cannot be of the same load."
)


@dataclass(frozen=True)
class TaskFigures:
    """Everything that was found."""

    plan: TaskPlan
    machine: Mapping[str, str]
    generator: Result
    """Against the trivial server."""
    runs: Sequence[Run]
    idle: Mapping[str, float]
    """Share of a core that each platform takes without load."""


def write(folder: Path, figures: TaskFigures) -> Path:
    """Writes everything into `folder` and returns the file."""
    path = folder / "tasks.json"
    path.write_text(json.dumps(asdict(figures), indent=2) + "\n")
    return path


def show(console: Console, figures: TaskFigures) -> None:
    """Prints the tables."""
    plan, runs = figures.plan, figures.runs
    thinking, saturated = _by_platform(runs, THINKING), _by_platform(runs, SATURATED)
    console.print("\n" + ", ".join(f"{name} {value}" for name, value in figures.machine.items()), highlight=False)
    console.print(
        f"Generator alone against a trivial server: {figures.generator.generator_cpu_us:.1f} us CPU per request. "
        f"Medians of {plan.rounds} interleaved rounds, smallest..largest in brackets.",
        highlight=False,
    )
    load = f"{plan.users:,} users who think 0.1 to 0.5 s, three lists to one create"
    many = _speeds(load, thinking)
    many.add_row(*ARTICLE)
    few = _speeds(f"{plan.saturating} users who do not think", saturated)
    console.print(many, few, costs_table("CPU per request without thought, us", saturated))
    idle = ", ".join(f"{name} {share:.1%}" for name, share in figures.idle.items())
    for line in (ARTICLE_REMARK, *batch_lines(runs), *lost_lines(runs), f"Share of a core without load: {idle}"):
        console.print(line, highlight=False)


def _by_platform(runs: Sequence[Run], kind: str) -> dict[str, list[Run]]:
    names = dict.fromkeys(run.platform for run in runs)
    return {name: [run for run in runs if (run.platform, run.kind) == (name, kind)] for name in names}


def _speeds(title: str, chosen: Mapping[str, Sequence[Run]]) -> Table:
    last = list(chosen)[-1]
    table = new_table(title, "platform", "requests/s", f"x {last}", "p50 ms", "p95 ms", "p99 ms", "lists p95",
                      "creates p95", "generator", "errors")  # fmt: skip
    base = [run.result.per_second for run in chosen[last]]
    for name, runs in chosen.items():
        speeds = [run.result.per_second for run in runs]
        ratios = [ratio(one, other) for one, other in zip(speeds, base, strict=False)]
        shares = [run.result.generator_cpu_share * 100 for run in runs]
        table.add_row(
            name,
            spread(speeds),
            spread(ratios, "{:.2f}"),
            *_latency(runs),
            *(spread((_p95(run, label) for run in runs), "{:.0f}") for label in (LIST, CREATE)),
            spread(shares, "{:.0f}%"),
            errors_of(runs),
        )
    return table


def _latency(runs: Sequence[Run]) -> tuple[str, str, str]:
    return (
        spread_of(runs, lambda result: result.latency_ms.p50),
        spread_of(runs, lambda result: result.latency_ms.p95),
        spread_of(runs, lambda result: result.latency_ms.p99),
    )


def _p95(run: Run, label: str) -> float:
    times = run.result.by_label.get(label)
    return times.p95 if times else float("nan")
