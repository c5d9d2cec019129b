"""Counts what decisions turned out to be: by outcome and truth, in numbers and in money, in total and by groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.fraud.domain.event import Money
from services.fraud.domain.quality.rates import CountedRate
from services.fraud.domain.quality.truth import FRAUD
from services.fraud.domain.verdict import APPROVE, DECLINE, REVIEW

__all__ = ["ALL", "FLAGGED", "MOST_GROUPS", "GroupTally", "JudgedDecision", "QualityTally", "ToldGroups"]

MOST_GROUPS = 100
"""Of one name that are told; the others are told as one."""
MOST_COUNTED = 1_000
"""Of one name that are told apart while counting: those that come first."""
ALL, FLAGGED = (APPROVE, REVIEW, DECLINE), (REVIEW, DECLINE)


class JudgedDecision(NamedTuple):
    """A decision with what is known of it."""

    outcome: str
    truth: str
    mature: bool
    amount: Money | None
    codes: int
    """How many reason codes it has."""
    groups: Sequence[Collection[str]]
    """Of each name by which is grouped: the groups that it is in."""


@dataclass(slots=True)
class GroupTally:
    """What the decisions of a group turned out to be."""

    decisions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By outcome and truth."""
    money: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Sums in smallest units by currency, outcome and truth."""
    alone: Counter[str] = field(default_factory=Counter)
    """By truth: decisions with one reason code, and no other."""
    mature: int = 0
    """Decisions whose delay of labels has passed."""

    def count(self, judged: JudgedDecision) -> None:
        outcome, truth, amount = judged.outcome, judged.truth, judged.amount
        self.decisions[outcome, truth] += 1
        self.mature += judged.mature
        if amount is not None:
            self.money[amount.currency, outcome, truth] += amount.minor
        if judged.codes == 1:
            self.alone[truth] += 1

    def add(self, other: GroupTally) -> None:
        self.decisions.update(other.decisions)
        self.money.update(other.money)
        self.alone.update(other.alone)
        self.mature += other.mature

    def number(self, outcomes: Iterable[str] = ALL, truths: Collection[str] = ()) -> int:
        """Returns how many decisions there are; no truths are all."""
        chosen = frozenset(outcomes)
        return sum(
            count
            for (outcome, truth), count in self.decisions.items()
            if outcome in chosen and (not truths or truth in truths)
        )

    def precision(self, outcomes: Iterable[str], good: Collection[str]) -> CountedRate:
        """Returns which share of the decisions with some outcomes was fraud, of those of which that is known.

        `good` are the truths that count as legitimate.
        """
        chosen = tuple(outcomes)
        frauds = self.number(chosen, (FRAUD,))
        return CountedRate(frauds, frauds + self.number(chosen, good))

    def recall(self, outcomes: Iterable[str], frauds: int) -> CountedRate:
        """Returns which share of some frauds met some outcomes in this group."""
        return CountedRate(self.number(outcomes, (FRAUD,)), frauds)


class ToldGroups(NamedTuple):
    """The groups of a name."""

    groups: Mapping[str, GroupTally]
    """By value, the largest first."""
    others: GroupTally | None
    """All that are not among them, together."""


@dataclass(slots=True)
class QualityTally:
    """All counts of a report. `names` are those by which it groups."""

    names: tuple[str, ...]
    total: GroupTally = field(default_factory=GroupTally)
    unread: int = 0
    """Decisions whose values could not be read: they are in no group of a value."""
    _groups: list[dict[str, GroupTally]] = field(init=False)
    _others: list[GroupTally | None] = field(init=False)

    def __post_init__(self) -> None:
        self._groups = [{} for _ in self.names]
        self._others = [None for _ in self.names]

    def count(self, judged: JudgedDecision) -> None:
        self.total.count(judged)
        for place, values in enumerate(judged.groups):
            for value in values:
                self._group(place, value).count(judged)

    def groups(self, name: str) -> ToldGroups:
        """Returns the groups of a name; those of the same size in the order of their values."""
        place = self.names.index(name)
        ranked = sorted(self._groups[place].items(), key=lambda each: (-each[1].number(), each[0]))
        rest = [group for _, group in ranked[MOST_GROUPS:]]
        if (uncounted := self._others[place]) is not None:
            rest.append(uncounted)
        return ToldGroups(dict(ranked[:MOST_GROUPS]), _together(rest) if rest else None)

    def _group(self, place: int, value: str) -> GroupTally:
        known = self._groups[place]
        found = known.get(value)
        if found is not None:
            return found
        if len(known) < MOST_COUNTED:
            made = known[value] = GroupTally()
            return made
        others = self._others[place]
        if others is None:
            others = self._others[place] = GroupTally()
        return others


def _together(groups: Iterable[GroupTally]) -> GroupTally:
    made = GroupTally()
    for each in groups:
        made.add(each)
    return made
