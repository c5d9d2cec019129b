"""A row is fraud by the label that was in effect at a time, and what is learned is what was known then."""

from __future__ import annotations

import pytest

from services.fraud.domain.scoring.known import SaidLabel, fraud_known_since, learned_or_known


def said(*labels: tuple[int, bool]) -> list[SaidLabel]:
    return [SaidLabel(known, number, is_fraud) for number, (known, is_fraud) in enumerate(labels, 1)]


@pytest.mark.parametrize(
    ("labels", "by", "since"),
    [
        ([], 100, None),
        ([(10, True)], 9, None),
        ([(10, True)], 10, 10),
        ([(10, True), (20, True)], 100, 10),
        ([(10, True), (20, False)], 19, 10),
        ([(10, True), (20, False)], 20, None),
        ([(10, True), (20, False), (30, True)], 100, 30),
        ([(10, False), (10, True)], 10, 10),
        ([(10, True), (10, False)], 10, None),
        ([(30, True), (20, False)], 100, 30),
    ],
)
def test_the_label_in_effect_says_since_when(labels: list[tuple[int, bool]], by: int, since: int | None) -> None:
    assert fraud_known_since(said(*labels), by) == since


@pytest.mark.parametrize(
    ("labels", "learned", "known"),
    [
        ([(10, True), (50, False)], 10, None),
        ([(10, False), (50, True)], 50, 50),
        ([(50, True)], 50, 50),
        ([(10, True), (20, False), (30, True)], 30, 30),
        ([(10, True), (40, False), (50, True)], 10, 50),
    ],
)
def test_what_is_learned_is_what_was_known_by_then_and_the_rest_what_is_known_now(
    labels: list[tuple[int, bool]], learned: int | None, known: int | None
) -> None:
    assert learned_or_known(said(*labels), 35, 100) == learned
    assert learned_or_known(said(*labels), None, 100) == known
