"""The figures of all runs as tables and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from console.metrics import ratio
from tests.load.edge import EdgeCost
from tests.load.result import Result
from tests.load.rounds import Plan, Preparation, Run

__all__ = [
    "Figures",
    "batch_lines",
    "costs_table",
    "errors_of",
    "lost_lines",
    "new_table",
    "show",
    "spread",
    "spread_of",
    "write",
]

LAG_MS = 10.0
"""An open-loop run whose generator was later than this in its p99 measured the generator."""

WARM = 0.99


@dataclass(frozen=True)
class Figures:
    """Everything that was found."""

    plan: Plan
    machine: Mapping[str, str]
    generator: Result
    """Against the trivial server."""
    edge: EdgeCost
    runs: Sequence[Run]
    preparation: Preparation


def spread(values: Iterable[float], form: str = "{:,.0f}") -> str:
    """Returns the median with the smallest and largest, empty without values."""
    kept = sorted(value for value in values if not math.isnan(value))
    if not kept:
        return ""
    middle, low, high = (form.format(value) for value in (median(kept), kept[0], kept[-1]))
    return middle if low == high else f"{middle} ({low}..{high})"


def write(folder: Path, figures: Figures) -> Path:
    """Writes everything into `folder` and returns the file."""
    path = folder / "bench.json"
    path.write_text(json.dumps(asdict(figures), indent=2) + "\n")
    return path


def show(console: Console, figures: Figures) -> None:
    """Prints the tables."""
    plan, runs = figures.plan, figures.runs
    console.print("\n" + ", ".join(f"{name} {value}" for name, value in figures.machine.items()), highlight=False)
    console.print(
        f"Generator alone against a trivial server: {figures.generator.generator_cpu_us:.1f} us CPU per request. "
        f"Medians of {plan.rounds} interleaved rounds, smallest..largest in brackets.",
        highlight=False,
    )
    names = list(dict.fromkeys(run.platform for run in runs))
    most = max(plan.connections)
    chosen = {
        name: [run for run in runs if (run.platform, run.kind, run.result.connections) == (name, "closed", most)]
        for name in names
    }
    costs = costs_table(f"CPU per check at {most} connections, us", chosen)
    console.print(_closed(names, plan, runs), _paced(names, plan, runs), costs)
    idle = ", ".join(f"{name} {share:.1%}" for name, share in figures.preparation.idle.items())
    cold = [
        f"{name} was not warm: {count} of {plan.users} users were checked before the first round; "
        "its figures are too low"
        for name, count in figures.preparation.warmed.items()
        if count < WARM * plan.users
    ]
    for line in (*figures.edge.lines(), *cold, *_remarks(runs), f"Share of a core without load: {idle}"):
        console.print(line, highlight=False)


def _closed(names: Sequence[str], plan: Plan, runs: Sequence[Run]) -> Table:
    table = new_table("Fraud checks through REST, closed loop", "platform", "conns", "requests/s", f"x {names[-1]}",
                   "p50 ms", "p99 ms", "generator", "errors")  # fmt: skip
    for connections in plan.connections:
        per_round = {
            name: [run for run in runs if (run.platform, run.kind) == (name, "closed")
                   and run.result.connections == connections]
            for name in names
        }  # fmt: skip
        base = [run.result.per_second for run in per_round[names[-1]]]
        for name, own in per_round.items():
            speeds = [run.result.per_second for run in own]
            ratios = [ratio(one, other) for one, other in zip(speeds, base, strict=False)]
            shares = [run.result.generator_cpu_share * 100 for run in own]
            table.add_row(name, str(connections), spread(speeds), spread(ratios, "{:.2f}"), *_latency(own),
                          spread(shares, "{:.0f}%"), errors_of(own))  # fmt: skip
    return table


def _paced(names: Sequence[str], plan: Plan, runs: Sequence[Run]) -> Table:
    table = new_table(f"Open loop at {plan.rate:g} requests/s, times from when each was due", "platform", "requests/s",
                   "p50 ms", "p99 ms", "max ms", "generator lag p99 ms", "errors")  # fmt: skip
    for name in names:
        own = [run for run in runs if (run.platform, run.kind) == (name, "paced")]
        if own:
            lags = [run.result.lag_ms.p99 for run in own if run.result.lag_ms]
            worst = spread_of(own, lambda result: result.latency_ms.max)
            speeds = spread_of(own, lambda result: result.per_second)
            table.add_row(name, speeds, *_latency(own), worst, spread(lags, "{:.1f}"), errors_of(own))
    return table


def costs_table(title: str, chosen: Mapping[str, Sequence[Run]]) -> Table:
    """Returns the CPU time per answer of each process, by name of the platform."""
    table = new_table(title, "process", *chosen)
    processes = list(dict.fromkeys(process for own in chosen.values() for run in own for process in run.cpu_us))
    for process in processes:
        cells = [spread(run.cpu_us[process] for run in own if process in run.cpu_us) for own in chosen.values()]
        table.add_row(process, *cells)
    table.add_row("all", *(spread(sum(run.cpu_us.values()) for run in own) for own in chosen.values()), style="bold")
    for title, cores in (("cores busy", _cores), ("cores taken by others", _foreign_cores)):
        table.add_row(title, *(spread(map(cores, own), "{:.2f}") for own in chosen.values()))
    return table


def _cores(run: Run) -> float:
    return run.cores


def _foreign_cores(run: Run) -> float:
    return run.foreign_cores


def _remarks(runs: Sequence[Run]) -> list[str]:
    closed = [run for run in runs if run.kind == "closed"]
    late = [run for run in runs if run.result.lag_ms and run.result.lag_ms.p99 > LAG_MS]
    return [
        *batch_lines(closed),
        *_ledger_lines(closed),
        *lost_lines(runs),
        *(f"{run.platform}, paced, round {run.round}: the generator lagged; not a valid run" for run in late),
    ]


def batch_lines(runs: Sequence[Run]) -> list[str]:
    """Says how many calls travelled together."""
    found: list[str] = []
    for name, own in _by_platform(runs).items():
        for batch in dict.fromkeys(batch for run in own for batch in run.batch_sizes):
            sizes = spread((run.batch_sizes[batch] for run in own if batch in run.batch_sizes), "{:.1f}")
            found.append(f"{name}, calls in a batch of {batch}: {sizes}")
    return found


def lost_lines(runs: Sequence[Run]) -> list[str]:
    """Says which answers promised a row that is not there."""
    return [
        f"{run.platform}, {run.kind}, round {run.round}: {run.lost} answers have no stored row"
        for run in runs
        if run.lost
    ]


def _ledger_lines(runs: Sequence[Run]) -> list[str]:
    found: list[str] = []
    for name, own in _by_platform(runs).items():
        if ledgers := [run.ledger for run in own if run.ledger is not None]:
            seconds = spread((math.nan if one.seconds is None else one.seconds for one in ledgers), "{:.1f}")
            never = sum(one.seconds is None for one in ledgers)
            found.append(
                f"{name}, ledger at the end of a load: {spread(one.behind for one in ledgers)} rows behind, "
                f"complete after {seconds or '-'} s"
                + (f", in {never} of {len(ledgers)} runs not within the wait" if never else "")
            )
    return found


def _by_platform(runs: Sequence[Run]) -> dict[str, list[Run]]:
    names = dict.fromkeys(run.platform for run in runs)
    return {name: [run for run in runs if run.platform == name] for name in names}


def _latency(runs: Sequence[Run]) -> tuple[str, str]:
    return (
        spread_of(runs, lambda result: result.latency_ms.p50),
        spread_of(runs, lambda result: result.latency_ms.p99),
    )


def spread_of(runs: Sequence[Run], value: Callable[[Result], float]) -> str:
    return spread((value(run.result) for run in runs), "{:.1f}")


def errors_of(runs: Sequence[Run]) -> str:
    totals: dict[str, int] = {}
    for run in runs:
        for cause, count in run.result.errors.items():
            totals[cause] = totals.get(cause, 0) + count
    return ", ".join(f"{count} x {cause}" for cause, count in sorted(totals.items())) or "0"


def new_table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table
