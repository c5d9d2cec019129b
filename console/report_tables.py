"""Renders reports of quality for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from console.api import Json
from console.arguments import rfc3339
from console.model_tables import print_score_tables
from console.tables import state_text, table, when

__all__ = ["REPORT_COLUMNS", "print_report", "report_row"]

REPORT_COLUMNS = ("report_id", "event type", "since", "until", "as of", "by", "state", "done", "created by", "created")
TRUTHS = ("fraud", "legitimate", "unlabelled", "immature")
OUTCOMES = ("outcome", "decisions", *TRUTHS)
GROUPS = (
    "decisions", "mature", *TRUTHS, "flagged: precision", "flagged: recall", "declined: precision", "declined: recall",
    "entity precision",
)  # fmt: skip
RULES = ("hits", "mature", *TRUTHS, "precision", "recall", "alone", "fraud alone", "entity precision")
MONEY = (
    "currency", "decided", "saved", "fraud reviewed", "missed", "good blocked", "good reviewed", "unlabelled blocked",
    "immature blocked", "immature",
)  # fmt: skip
SUMS = ("currency", "decided", "fraud_declined", "fraud_reviewed", "fraud_approved", "good_declined", "good_reviewed",
        "unlabelled_declined", "immature_declined", "immature")  # fmt: skip
SCORES = ("scored by", "known", "fraud", "AUC", "average precision", "calibration error", "entity precision", "days",
          "left out")  # fmt: skip
FIGURES = ("auc_roc", "average_precision", "calibration_error", "entity_precision")
SHOWN = 20
"""Groups of a name that are shown; the API has more."""


def report_row(report: Json) -> list[str | Text]:
    progress = report.get("progress") or {}
    done = f"{progress['done']:,}/{progress['total']:,}" if progress.get("total") else ""
    return [
        report["report_id"], report["event_type"], when(report["since"]), when(report["until"]), when(report["as_of"]),
        ", ".join(report["group_by"]), state_text(report["state"]), done, report["created_by"],
        when(report["create_time"]),
    ]  # fmt: skip


def print_report(console: Console, report: Json, *, as_json: bool) -> None:
    """Prints a report with what it says, or as JSON."""
    if as_json:
        print(json.dumps(report))
        return
    console.print(table(REPORT_COLUMNS, [report_row(report)]))
    if report["error"]:
        console.print(report["error"], markup=False, soft_wrap=True)
    result = report.get("result")
    if not result:
        return
    _print_total(console, report, result)
    for breakdown in result["breakdowns"]:
        _print_groups(console, breakdown)
    _print_scores(console, report, result["scores"])


def _print_total(console: Console, report: Json, result: Json) -> None:
    total = result["total"]
    _say(console, _maturity(report, total))
    if int(result["unread"]):
        _say(console, f"of {int(result['unread']):,} decisions the values could not be read")
    rows = []
    for each in total["outcomes"]:
        counts = [int(each[name]) for name in TRUTHS]
        rows.append([each["outcome"], *(f"{count:,}" for count in (sum(counts), *counts))])
    console.print(table(OUTCOMES, rows))
    for words, name in (("declined", "declined"), ("declined or reviewed", "flagged")):
        precision, recall = (_rate(total[name], which, bounds=True) for which in ("precision", "recall"))
        _say(console, f"{words}: precision {precision or 'unknown'}, recall {recall or 'unknown'}")
    if total["money"]:
        console.print(table(MONEY, [[each[name] for name in SUMS] for each in total["money"]]))
    if total["review_costs"]:
        _say(console, f"reviews cost {total['review_costs']} {report['review_cost_currency']}")


def _maturity(report: Json, total: Json) -> str:
    decisions, mature, waiting = (int(total[name]) for name in ("decisions", "mature", "immature"))
    if not decisions:
        return "no decisions"
    said = f"{decisions:,} decisions, {mature * 1_000 // decisions / 1_000:.1%} mature"
    if waiting:
        said += f"; of {waiting:,} nothing is known yet, they count as nothing"
    if rfc3339(report["mature_time"]) > datetime.now(UTC):
        said += f"; all are mature from {when(report['mature_time'])} on"
    return said


def _print_groups(console: Console, breakdown: Json) -> None:
    groups, of_rules = breakdown["groups"], breakdown["name"] == "rule"
    if not groups:
        _say(console, f"no groups by {breakdown['name']}")
        return
    columns = (breakdown["name"], *(RULES if of_rules else GROUPS))
    row = _rule_row if of_rules else _group_row
    console.print(table(columns, [row(each) for each in groups[:SHOWN]]))
    if len(groups) > SHOWN:
        _say(console, f"and {len(groups) - SHOWN} groups more: --json has them")


def _rule_row(group: Json) -> Sequence[str]:
    alone, frauds = sum(int(group["alone"][name]) for name in TRUTHS), int(group["alone"]["fraud"])
    return [*_counts(group), *_rates(group["membership"]), f"{alone:,}", f"{frauds:,}", _entities(group)]


def _group_row(group: Json) -> Sequence[str]:
    return [*_counts(group), *_rates(group["flagged"]), *_rates(group["declined"]), _entities(group)]


def _counts(group: Json) -> Sequence[str]:
    name = "(others)" if group["others"] else group["value"] or "(none)"
    return [name, *(f"{int(group[each]):,}" for each in ("decisions", "mature", *TRUTHS))]


def _entities(group: Json) -> str:
    return _number(group.get("scores") or {}, "entity_precision")


def _rates(rates: Json) -> Sequence[str]:
    return [_rate(rates, which) for which in ("precision", "recall")]


def _rate(rates: Json, which: str, *, bounds: bool = False) -> str:
    """Returns a share, with `bounds` those of 95 % and its counts; empty if it is not known."""
    rate = (rates or {}).get(which)
    if not rate:
        return ""
    if not bounds:
        return f"{rate['share']:.3f}"
    counts = f"{int(rate['hits']):,} of {int(rate['of']):,}"
    return f"{rate['share']:.3f} ({rate['low']:.3f} to {rate['high']:.3f}, {counts})"


def _print_scores(console: Console, report: Json, scores: Sequence[Json]) -> None:
    rows = [
        [
            each["model"] or "(all)", f"{int(each['known']):,}", f"{int(each['fraud']):,}",
            *(_number(each, name) for name in FIGURES),
            str(each["entity_days"]), str(each["entity_days_left_out"]),
        ]
        for each in scores
    ]  # fmt: skip
    if not rows:
        return
    console.print(table(SCORES, rows))
    _say(console, f"entity precision: of the {report['review_capacity']} values of {report['entity_field']} with the "
         "highest scores of a day")  # fmt: skip
    for each in scores[1:] or scores:
        if each["reliability"]:
            _say(console, f"scores of {each['model'] or 'all'}")
            print_score_tables(console, each)


def _number(scores: Json, name: str) -> str:
    return f"{scores[name]:.4f}" if scores.get(name) is not None else ""


def _say(console: Console, words: str) -> None:
    console.print(words, markup=False, soft_wrap=True)
