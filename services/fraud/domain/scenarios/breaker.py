"""The breaker: tells when a version declines or reviews so much that the version before it has to take over.

Counts are of one second each and can be added up, whichever process made them. Two windows are looked at: the latest
seconds that hold 200 decisions, however long ago they began, so that little traffic is watched as well; and the last
60 seconds, so that much traffic need not wait. A version trips when its share of declines, or of reviews, in one of
them is above the absolute limit, or too far above that of the version before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "FEWEST",
    "NOTHING_COUNTED",
    "WINDOW_DECISIONS",
    "WINDOW_SECONDS",
    "BreakerLimits",
    "OutcomeCounts",
    "Trip",
    "merged",
    "recent",
    "tripped",
]

WINDOW_DECISIONS = 200
WINDOW_SECONDS = 60
FEWEST = 50
"""Decisions that a window of 60 seconds must hold: a share of fewer says little."""


class OutcomeCounts(NamedTuple):
    """How many decisions a version made, and how many of them declined and sent to review."""

    decisions: int = 0
    declines: int = 0
    reviews: int = 0

    def plus(self, other: OutcomeCounts) -> OutcomeCounts:
        return OutcomeCounts(
            self.decisions + other.decisions, self.declines + other.declines, self.reviews + other.reviews
        )


NOTHING_COUNTED = OutcomeCounts()


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerLimits:
    """When a version trips. Shares are from 0 to 1; a limit of 1 is none."""

    declines: float = 0.3
    """Largest share of declines."""
    reviews: float = 0.5
    times: float = 3.0
    """How many times the share of the version before is too much, if it is also `above` it."""
    above: float = 0.05
    """By how much a share must be above that of the version before. 1 compares with none."""


class Trip(NamedTuple):
    """Why a version tripped."""

    outcome: str
    """Of which there was too much: decline or review."""
    share: float
    limit: float
    """That was passed."""
    against: str
    """What the limit is: absolute, or before for one that follows from the version before."""
    counts: OutcomeCounts

    def __str__(self) -> str:
        what = "the limit" if self.against == "absolute" else "what the version before allows"
        return (
            f"{self.share:.1%} of {self.counts.decisions} decisions were {self.outcome}, above {what}, {self.limit:.1%}"
        )


def merged(parts: Iterable[Mapping[int, OutcomeCounts]]) -> Mapping[int, OutcomeCounts]:
    """Adds up what several processes counted, by second."""
    whole: dict[int, OutcomeCounts] = {}
    for part in parts:
        for second, counts in part.items():
            whole[second] = whole.get(second, NOTHING_COUNTED).plus(counts)
    return whole


def recent(seconds: Mapping[int, OutcomeCounts], now: int) -> tuple[OutcomeCounts, OutcomeCounts]:
    """Returns the counts of the latest seconds that hold 200 decisions, or all, and of the last 60 seconds.

    Seconds after `now` are of processes whose clocks are ahead, and count.
    """
    latest = minute = NOTHING_COUNTED
    for second in sorted(seconds, reverse=True):
        if latest.decisions < WINDOW_DECISIONS:
            latest = latest.plus(seconds[second])
        if second > now - WINDOW_SECONDS:
            minute = minute.plus(seconds[second])
        elif latest.decisions >= WINDOW_DECISIONS:
            break
    return latest, minute


def tripped(seconds: Mapping[int, OutcomeCounts], usual: OutcomeCounts, limits: BreakerLimits, now: int) -> Trip | None:
    """Tells whether a version has passed a limit, by its counts of each second.

    `usual` is what the version before decides, or did when it was replaced; there is no comparison with fewer than 50
    decisions. `now` is in seconds, as the keys are.
    """
    latest, minute = recent(seconds, now)
    windows = ((latest, WINDOW_DECISIONS), (minute, FEWEST))
    trips = (_passed(counts, usual, limits) for counts, least in windows if counts.decisions >= least)
    return next((trip for trip in trips if trip is not None), None)


def _passed(counts: OutcomeCounts, usual: OutcomeCounts, limits: BreakerLimits) -> Trip | None:
    checks: Sequence[tuple[str, int, int, float]] = (
        ("decline", counts.declines, usual.declines, limits.declines),
        ("review", counts.reviews, usual.reviews, limits.reviews),
    )
    for outcome, found, earlier, most in checks:
        share = found / counts.decisions
        if share > most:
            return Trip(outcome, share, most, "absolute", counts)
        if usual.decisions < FEWEST:
            continue
        allowed = max(limits.times * earlier / usual.decisions, earlier / usual.decisions + limits.above)
        if share > allowed:
            return Trip(outcome, share, allowed, "before", counts)
    return None
