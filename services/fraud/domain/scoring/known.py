"""When a row was known to be fraud, by the labels that were in effect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["SaidLabel", "fraud_known_since", "learned_or_known"]


class SaidLabel(NamedTuple):
    """A label of a row. In their order the last is the one in effect."""

    known_ms: int
    number: int
    """Among those of the transaction."""
    is_fraud: bool
    """As far as the target is concerned."""


def fraud_known_since(labels: Iterable[SaidLabel], by_ms: int) -> int | None:
    """Returns since when a row is fraud by what was known by a time; None if it is not by the label then in effect."""
    since = None
    for label in sorted(labels):
        if label.known_ms > by_ms:
            break
        if not label.is_fraud:
            since = None
        elif since is None:
            since = label.known_ms
    return since


def learned_or_known(labels: Iterable[SaidLabel], learned_ms: int | None, now_ms: int) -> int | None:
    """Returns since when a row is known to be fraud, None if it is not.

    A row that is learned from counts as what it was known to be by `learned_ms`, also if that was corrected later: so
    it was learned. All others, with None, count by what is known now.
    """
    said = list(labels)
    if learned_ms is not None and (since := fraud_known_since(said, learned_ms)) is not None:
        return since
    return fraud_known_since(said, now_ms)
