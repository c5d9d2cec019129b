"""Prints the report of a replay."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from console.metrics import auc, detection, percentile
from console.replaying.results import OUTCOMES, Results


@dataclass(frozen=True)
class Run:
    """What this run did: decisions received, seconds taken, requests sent again."""

    decisions: int
    duration: float
    retries: int


def show(console: Console, name: str, results: Results, run: Run) -> None:
    """Prints everything that is known of the file's decisions, those of earlier runs included."""
    console.print(decisions_table(name, results, run))
    for reason, detail in results.details():
        console.print(f"{reason}: {detail}", markup=False, highlight=False, soft_wrap=True)
    if quality := quality_table(results):
        console.print(quality)


def decisions_table(name: str, results: Results, run: Run) -> Table:
    table = Table("", "", title=f"Replay of {name}", show_header=False)
    table.columns[1].justify = "right"
    table.add_row("transactions", f"{len(results):,}")
    table.add_row("decisions", f"{results.decided:,}")
    outcomes = results.outcomes()
    for outcome in OUTCOMES:
        table.add_row(f"  {outcome}", f"{outcomes[outcome]:,}")
    table.add_row("  degraded", f"{results.degraded:,}", end_section=True)
    table.add_row("errors", f"{results.failed:,}", end_section=not results.failed)
    for reason, count in results.errors().most_common():
        table.add_row(f"  {reason}", f"{count:,}")
    if run.decisions < results.decided:
        table.add_row("decisions of this run", f"{run.decisions:,}")
    table.add_row("sent again", f"{run.retries:,}")
    table.add_row("duration", f"{run.duration:,.1f} s")
    table.add_row(
        "decisions per second", f"{run.decisions / run.duration if run.duration else 0:,.1f}", end_section=True
    )
    latencies = results.latencies()
    for label, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)):
        table.add_row(f"latency {label}", f"{percentile(latencies, share) * 1000:,.1f} ms" if latencies else "-")
    return table


def quality_table(results: Results) -> Table | None:
    """Compares decisions and scores with the labels; None if the file has none."""
    labelled = list(results.labelled())
    if not labelled:
        return None
    fraud = [truth for _, _, truth in labelled]
    table = Table("", "precision", "recall", title=f"{sum(fraud):,} frauds in {len(fraud):,} labelled decisions")
    for label, flagged in (("declined", {"decline"}), ("declined or reviewed", {"decline", "review"})):
        found = detection([outcome in flagged for outcome, _, _ in labelled], fraud)
        table.add_row(label, figure(found.precision), figure(found.recall))
    table.caption = f"AUC of confidence_score: {figure(auc([score for _, score, _ in labelled], fraud))}"
    return table


def figure(value: float) -> str:
    """Writes a share, or a dash where there is nothing to count."""
    return "-" if math.isnan(value) else f"{value:.3f}"
