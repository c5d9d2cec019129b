"""Outcomes, and what they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["APPROVE", "DECLINE", "REVIEW", "Factor", "Verdict"]

APPROVE, REVIEW, DECLINE = "approve", "review", "decline"


class Factor(NamedTuple):
    """A rule that fired, with its share of the score."""

    code: str
    message: str
    contribution: float


class Verdict(NamedTuple):
    """An outcome, its score from 0 to 1, and the factors, strongest first."""

    outcome: str
    score: float
    factors: Sequence[Factor]
