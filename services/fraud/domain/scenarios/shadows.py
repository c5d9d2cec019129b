"""Counts what a version in the shadow would have answered beside what was answered.

A report is of one process or added up of several. Rules are told by their codes, which both versions have.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from services.fraud.domain.scenarios.judging import Judgement
from services.fraud.domain.scenarios.scenario import VersionRef

__all__ = [
    "MOST_EXAMPLES",
    "RuleCounts",
    "Shadow",
    "ShadowExample",
    "ShadowReport",
    "merged_reports",
    "report_from_json",
    "report_to_json",
]

MOST_EXAMPLES = 20


class Shadow(NamedTuple):
    """A version that looked on while an event was decided."""

    ref: VersionRef
    judge: Callable[[], Judgement]
    """Judges the event by it, as it was seen then."""


class RuleCounts(NamedTuple):
    """In how many decisions a rule fired."""

    answered: int = 0
    """Only in the version that answered."""
    shadowed: int = 0
    """Only in the shadow."""
    both: int = 0


NEVER_FIRED = RuleCounts()


class ShadowExample(NamedTuple):
    """A decision that the shadow would have made otherwise."""

    decision_id: str
    answered: str
    """The outcome."""
    shadowed: str
    only_answered: tuple[str, ...]
    """Codes of rules that fired in the version that answered, and not in the shadow."""
    only_shadowed: tuple[str, ...]


@dataclass(slots=True)
class ShadowReport:
    """What a version in the shadow would have answered. Every member can be added up."""

    decisions: int = 0
    """That the shadow judged."""
    missed: int = 0
    """That it did not judge, because there were too many at once."""
    failed: int = 0
    """That it could not judge, because of a fault."""
    outcomes: dict[tuple[str, str], int] = field(default_factory=dict)
    """By what was answered, and what the shadow says."""
    rules: dict[str, RuleCounts] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    """Decisions in which a rule of the shadow could not be evaluated, by its identifier."""
    not_enough_data: dict[str, int] = field(default_factory=dict)
    """Decisions in which a rule of the shadow lacked a value."""
    examples: list[ShadowExample] = field(default_factory=list)
    """The newest that differ in their outcome, the newest first."""
    since: datetime | None = None
    until: datetime | None = None

    def count(self, decision_id: str, answered: Judgement, shadowed: Judgement, at: datetime) -> None:
        """Counts a decision of which both are known."""
        self.decisions += 1
        self.seen(at)
        cell = answered.verdict.outcome, shadowed.verdict.outcome
        self.outcomes[cell] = self.outcomes.get(cell, 0) + 1
        theirs = [factor.code for factor in answered.verdict.factors]
        ours = [factor.code for factor in shadowed.verdict.factors]
        for code in {*theirs, *ours}:
            found = self.rules.get(code, NEVER_FIRED)
            self.rules[code] = RuleCounts(
                found.answered + (code not in ours),
                found.shadowed + (code not in theirs),
                found.both + (code in ours and code in theirs),
            )
        for counts, rules in ((self.errors, shadowed.errors), (self.not_enough_data, shadowed.not_enough_data)):
            for rule in rules:
                counts[rule] = counts.get(rule, 0) + 1
        if cell[0] != cell[1]:
            gone, new = (tuple(a for a in one if a not in other) for one, other in ((theirs, ours), (ours, theirs)))
            self.examples = [ShadowExample(decision_id, *cell, gone, new), *self.examples[: MOST_EXAMPLES - 1]]

    def seen(self, at: datetime) -> None:
        """Widens the time that the report is about."""
        self.since = at if self.since is None else min(self.since, at)
        self.until = at if self.until is None else max(self.until, at)


def merged_reports(parts: Iterable[ShadowReport]) -> ShadowReport:
    """Adds up the reports of several processes."""
    whole = ShadowReport()
    for part in parts:
        whole.decisions += part.decisions
        whole.missed += part.missed
        whole.failed += part.failed
        _add(whole.outcomes, part.outcomes)
        _add(whole.errors, part.errors)
        _add(whole.not_enough_data, part.not_enough_data)
        for code, counts in part.rules.items():
            known = whole.rules.get(code, NEVER_FIRED)
            whole.rules[code] = RuleCounts(*(a + b for a, b in zip(known, counts, strict=True)))
        # Identifiers begin with the time.
        newest = sorted([*whole.examples, *part.examples], key=lambda each: each.decision_id, reverse=True)
        whole.examples = newest[:MOST_EXAMPLES]
        for at in (part.since, part.until):
            if at is not None:
                whole.seen(at)
    return whole


def report_to_json(report: ShadowReport) -> str:
    return json.dumps(
        {
            "decisions": report.decisions,
            "missed": report.missed,
            "failed": report.failed,
            "outcomes": [[*cell, count] for cell, count in report.outcomes.items()],
            "rules": report.rules,
            "errors": report.errors,
            "not_enough_data": report.not_enough_data,
            "examples": report.examples,
            "since": _to_number(report.since),
            "until": _to_number(report.until),
        },
        separators=(",", ":"),
    )


def report_from_json(text: str) -> ShadowReport:
    read = json.loads(text)
    return ShadowReport(
        decisions=read["decisions"],
        missed=read["missed"],
        failed=read["failed"],
        outcomes={(answered, shadowed): count for answered, shadowed, count in read["outcomes"]},
        rules={code: RuleCounts(*counts) for code, counts in read["rules"].items()},
        errors=read["errors"],
        not_enough_data=read["not_enough_data"],
        examples=[ShadowExample(a, b, c, tuple(gone), tuple(new)) for a, b, c, gone, new in read["examples"]],
        since=_to_time(read["since"]),
        until=_to_time(read["until"]),
    )


def _add(whole: dict[str, int] | dict[tuple[str, str], int], part: object) -> None:
    assert isinstance(part, dict)
    for key, count in part.items():
        whole[key] = whole.get(key, 0) + count


def _to_number(at: datetime | None) -> float | None:
    return at.timestamp() if at is not None else None


def _to_time(number: float | None) -> datetime | None:
    return datetime.fromtimestamp(number, UTC) if number is not None else None
