"""Counts what a version decides otherwise than what was decided."""

from __future__ import annotations

import json
from array import array
from base64 import b64decode, b64encode
from bisect import insort
from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from services.fraud.domain.backtests.past import PastAnswer, PastDecision, amount_of
from services.fraud.domain.scenarios.judging import Judgement
from services.fraud.domain.verdict import APPROVE, DECLINE, REVIEW

__all__ = [
    "MOST_EXAMPLES",
    "MOST_SUBJECTS",
    "SUBJECTS",
    "Affected",
    "BacktestExample",
    "BacktestTally",
    "Change",
    "tally_from_json",
    "tally_to_json",
]

MOST_EXAMPLES = 50
"""Of each kind of change."""
MOST_SUBJECTS = 100_000
"""Values of a field that are told apart."""
SUBJECTS = ("user_id", "merchant_id")
_STRICTNESS = {APPROVE: 0, REVIEW: 1, DECLINE: 2}

Change = tuple[str, str]
"""An outcome then, and the one by the version."""


class BacktestExample(NamedTuple):
    """A decision with another outcome."""

    draw: int
    """The least ones are kept: a number that says nothing of the decision."""
    decision_id: str
    transaction_id: str
    event_time: float
    score_before: float
    score_after: float
    gone: tuple[str, ...]
    """Codes of rules that fire no longer."""
    new: tuple[str, ...]


@dataclass(slots=True)
class Affected:
    """Different values of a field."""

    count: int = 0
    more: bool = False
    hashes: set[int] = field(default_factory=set)
    """Empty once nothing more is added."""

    def add(self, value: str) -> None:
        hashed = int.from_bytes(blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
        if hashed in self.hashes:
            return
        if len(self.hashes) >= MOST_SUBJECTS:
            self.more = True
            return
        self.hashes.add(hashed)
        self.count += 1


@dataclass(slots=True)
class BacktestTally:
    """What a version decides otherwise. What is counted so far can be stored and gone on with."""

    values: str = ""
    """Where the values of features come from."""
    rules: dict[str, str] = field(default_factory=dict)
    """Codes of the rules of the version, by identifier."""
    decisions: int = 0
    unreadable: int = 0
    outcomes: Counter[Change] = field(default_factory=Counter)
    money: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Sums in smallest units by change and currency."""
    before: Counter[str] = field(default_factory=Counter)
    """Decisions in which a rule fired then, by its code."""
    after: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)
    """Decisions in which no other rule fires by the version."""
    errors: Counter[str] = field(default_factory=Counter)
    """By the identifier of a rule of the version."""
    not_enough_data: Counter[str] = field(default_factory=Counter)
    affected: dict[tuple[str, str], Affected] = field(default_factory=dict)
    """By field, and the stricter outcome that is new."""
    examples: dict[Change, list[BacktestExample]] = field(default_factory=dict)

    def count(self, past: PastDecision, answer: PastAnswer, judgement: Judgement) -> None:
        """Counts a decision that was decided anew."""
        verdict = judgement.verdict
        change = answer.outcome, verdict.outcome
        self.decisions += 1
        self.outcomes[change] += 1
        codes = [factor.code for factor in verdict.factors]
        self.before.update(answer.codes)
        self.after.update(codes)
        if len(codes) == 1:
            self.alone[codes[0]] += 1
        if judgement.errors:
            self.errors.update(judgement.errors)
        if judgement.not_enough_data:
            self.not_enough_data.update(judgement.not_enough_data)
        amount = amount_of(past.fields)
        if amount is not None:
            self.money[(*change, amount.currency)] += amount.minor
        if change[0] != change[1]:
            self._changed(past, answer, judgement, change, codes)

    def closed(self) -> BacktestTally:
        """Ends the counting: what is needed only to go on is let go of."""
        for each in self.affected.values():
            each.hashes = set()
        return self

    def _changed(
        self, past: PastDecision, answer: PastAnswer, judgement: Judgement, change: Change, codes: list[str]
    ) -> None:
        if _STRICTNESS.get(change[1], 1) > _STRICTNESS.get(change[0], 1):
            for name in SUBJECTS:
                value = past.fields.get(name)
                if isinstance(value, str):
                    self.affected.setdefault((name, change[1]), Affected()).add(value)
        # The last digits of an identifier are drawn at random.
        draw, kept = int(past.decision_id[-12:], 16), self.examples.setdefault(change, [])
        if len(kept) >= MOST_EXAMPLES and draw >= kept[-1].draw:
            return
        insort(
            kept,
            BacktestExample(
                draw,
                past.decision_id,
                past.transaction_id,
                past.event_time.timestamp(),
                answer.score,
                judgement.verdict.score,
                tuple(code for code in answer.codes if code not in codes),
                tuple(code for code in codes if code not in answer.codes),
            ),
        )
        del kept[MOST_EXAMPLES:]


def tally_to_json(tally: BacktestTally) -> str:
    return json.dumps(
        {
            "values": tally.values,
            "rules": tally.rules,
            "decisions": tally.decisions,
            "unreadable": tally.unreadable,
            "outcomes": [[*change, count] for change, count in tally.outcomes.items()],
            "money": [[*place, total] for place, total in tally.money.items()],
            **{name: getattr(tally, name) for name in _COUNTERS},
            "affected": [[*place, a.count, a.more, _packed(a.hashes)] for place, a in tally.affected.items()],
            "examples": [[*change, kept] for change, kept in tally.examples.items()],
        },
        separators=(",", ":"),
    )


def tally_from_json(text: str) -> BacktestTally:
    read = json.loads(text)
    return BacktestTally(
        values=read["values"],
        rules=read["rules"],
        decisions=read["decisions"],
        unreadable=read["unreadable"],
        outcomes=Counter({(before, after): count for before, after, count in read["outcomes"]}),
        money=Counter({(before, after, currency): total for before, after, currency, total in read["money"]}),
        affected={
            (name, outcome): Affected(count, more, _unpacked(hashes))
            for name, outcome, count, more, hashes in read["affected"]
        },
        examples={
            (before, after): [BacktestExample(*each[:-2], *map(tuple, each[-2:])) for each in kept]
            for before, after, kept in read["examples"]
        },
        **{name: Counter(read[name]) for name in _COUNTERS},
    )


_COUNTERS = ("before", "after", "alone", "errors", "not_enough_data")


def _packed(hashes: set[int]) -> str:
    return b64encode(array("Q", sorted(hashes)).tobytes()).decode()


def _unpacked(text: str) -> set[int]:
    found = array("Q")
    found.frombytes(b64decode(text))
    return set(found)
