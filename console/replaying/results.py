"""Stores the answer to each row of a replay compactly: a file may have millions."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

OUTCOMES = ("approve", "review", "decline")
PENDING = 255
DETAILS = 3
"""Rows of each reason that are remembered with what is wrong."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one row: a decision, or the reason of an error that trying again will not change.

    `latency` is in seconds, of the attempt that was answered.
    """

    row: int
    outcome: str = ""
    score: float = 0.0
    degraded: bool = False
    latency: float = 0.0
    error: str = ""
    detail: str = ""
    """Where in the file the error is, and what."""


class Results:
    """The answers by row, the latest counting, and the labels of the file."""

    def __init__(self, labels: list[bool | None]) -> None:
        self.labels = labels
        self._outcomes = bytearray([PENDING]) * len(labels)
        self._scores = array("d", bytes(8 * len(labels)))
        self._latencies = array("d", bytes(8 * len(labels)))
        self._degraded = bytearray(len(labels))
        self._errors: dict[int, str] = {}
        self._details: dict[str, dict[int, str]] = {}
        self.decided = 0

    def __len__(self) -> int:
        return len(self.labels)

    def add(self, answer: Answer) -> None:
        """Takes an answer in; an error never replaces a decision."""
        row = answer.row
        if row >= len(self.labels) or self.is_decided(row):
            return
        if answer.error:
            self._errors[row] = answer.error
            details = self._details.setdefault(answer.error, {})
            if len(details) < DETAILS:
                details[row] = answer.detail
            return
        # A caller treats an outcome that it does not know as a review.
        self._outcomes[row] = OUTCOMES.index(answer.outcome if answer.outcome in OUTCOMES else "review")
        self._scores[row] = answer.score
        self._latencies[row] = answer.latency
        self._degraded[row] = answer.degraded
        self.decided += 1

    def is_decided(self, row: int) -> bool:
        return self._outcomes[row] != PENDING

    def score(self, row: int) -> float:
        """Returns the score of a row that is decided."""
        return self._scores[row]

    def is_degraded(self, row: int) -> bool:
        return bool(self._degraded[row])

    @property
    def degraded(self) -> int:
        return sum(self._degraded)

    @property
    def failed(self) -> int:
        return len(self._errors)

    def errors(self) -> Counter[str]:
        """Counts the rows without a decision by the reason of their error."""
        return Counter(self._errors.values())

    def details(self) -> Iterator[tuple[str, str]]:
        """Yields reason and detail of the first rows of each reason, in the order of the file."""
        for reason, rows in self._details.items():
            for _, detail in sorted(rows.items()):
                yield reason, detail

    def outcomes(self) -> Counter[str]:
        """Counts the decisions by outcome."""
        return Counter({name: self._outcomes.count(code) for code, name in enumerate(OUTCOMES)})

    def latencies(self) -> list[float]:
        """Returns the latencies of the decisions in ascending order, in seconds."""
        return sorted(latency for row, latency in enumerate(self._latencies) if self.is_decided(row))

    def labelled(self) -> Iterator[tuple[str, float, bool]]:
        """Yields outcome, score and truth of the decisions whose truth the file knows."""
        for row, label in enumerate(self.labels):
            if label is not None and self.is_decided(row):
                yield OUTCOMES[self._outcomes[row]], self._scores[row], label
