"""Splits in time, by the protocol of the Fraud Detection Handbook."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.fraud.models.dataset import NEVER, TrainingTable
from services.fraud.models.failures import TrainingTableError
from services.fraud.models.splits import DAY_MS, TimeSplit, day_folds
from tests.support.splits import split_before

HOUR = DAY_MS // 24


def events(*told: tuple[float, int, bool]) -> TrainingTable:
    """Returns events by day, entity, and whether they are fraud."""
    times = np.array([int(day * DAY_MS) for day, _, _ in told])
    return TrainingTable.of(
        ["a"],
        np.zeros((len(told), 1)),
        known_ms=np.where([is_fraud for *_, is_fraud in told], times, NEVER),
        times_ms=times,
        entities=np.array([entity for _, entity, _ in told], np.uint64),
        amounts=np.zeros(len(told)),
    )


def week() -> TimeSplit:
    """Returns a week to learn from, one of delay, and one to measure on."""
    return split_before(21 * DAY_MS, train_days=7, delay_days=7, test_days=7)


def measured(*told: tuple[float, int, bool]) -> list[tuple[float, int]]:
    rows = week().test_rows(events(*told))
    return [
        (time / DAY_MS, entity) for time, entity in zip(rows.times_ms.tolist(), rows.entities.tolist(), strict=True)
    ]


def test_the_periods_follow_each_other_and_the_delay_comes_after_the_first() -> None:
    split = split_before(30 * DAY_MS, train_days=7, delay_days=5, validation_days=3, test_days=2)
    assert (split.train.start_ms, split.train.end_ms) == (13 * DAY_MS, 20 * DAY_MS)
    assert (split.validation.start_ms, split.validation.end_ms) == (25 * DAY_MS, 28 * DAY_MS)
    assert (split.test.start_ms, split.test.end_ms) == (28 * DAY_MS, 30 * DAY_MS)
    assert split.labels_known_ms == 25 * DAY_MS


def test_a_period_has_its_start_and_not_its_end() -> None:
    assert measured((13.999, 1, False), (14, 2, False), (20.999, 3, False), (21, 4, False)) == [(14, 2), (20.999, 3)]


def test_who_had_fraud_while_it_was_learned_is_not_measured() -> None:
    assert measured((0, 1, True), (6.9, 2, True), (15, 1, False), (15, 2, True), (15, 3, True)) == [(15, 3)]


def test_fraud_before_that_is_forgotten() -> None:
    rows = events((0, 1, True), (30, 1, False))
    split = split_before(35 * DAY_MS, train_days=7, delay_days=7, test_days=7)
    assert len(split.test_rows(rows)) == 1


def test_a_longer_training_may_forget_as_a_week_does() -> None:
    rows = events((8, 1, True), (15, 2, True), (30, 1, False), (30, 2, False))
    told = {"train_days": 14, "delay_days": 7, "test_days": 7}
    assert split_before(35 * DAY_MS, **told).test_rows(rows).entities.tolist() == []
    assert split_before(35 * DAY_MS, **told, known_days=7).test_rows(rows).entities.tolist() == [1]


@pytest.mark.parametrize(
    ("fraud_day", "first_day_without"), [(6.9, 14), (7, 15), (7.99, 15), (8, 16), (12.5, 20), (13, None)]
)
def test_fraud_of_the_delay_is_known_from_the_day_after_it_is_a_delay_old(
    fraud_day: float, first_day_without: int | None
) -> None:
    """Day i of the test leaves out those with fraud up to the (i - 1)th day after training."""
    days = [day for day, entity in measured((fraud_day, 1, True), *((14.5 + i, 1, False) for i in range(7)))]
    assert days == [14.5 + i for i in range(7) if first_day_without is None or 14 + i < first_day_without]


def test_fraud_that_became_known_late_leaves_nobody_out_before() -> None:
    rows = events((1, 1, True), *((14.5 + day, 1, False) for day in range(7)))
    late = replace(rows, known_ms=np.where(rows.labels(), int(16.2 * DAY_MS), NEVER))
    assert (week().test_rows(late).times_ms / DAY_MS).tolist() == [14.5, 15.5, 16.5]
    # The first that was known counts, and not the first that happened.
    two = events((1, 1, True), (2, 1, True), (14.5, 1, False), (18.5, 1, False))
    known = np.array([19 * DAY_MS, 16 * DAY_MS, NEVER, NEVER])
    assert (week().test_rows(replace(two, known_ms=known)).times_ms / DAY_MS).tolist() == [14.5]


def test_fraud_within_the_test_does_not_leave_anybody_out() -> None:
    assert len(measured((14, 1, True), (14.1, 1, True), (20, 1, True))) == 3


def test_rows_of_a_day_are_in_one_fold() -> None:
    hours = np.arange(24 * 5) * HOUR + 100 * DAY_MS
    folds = day_folds(hours, 3)
    assert folds[::24].tolist() == [0, 1, 2, 0, 1]
    assert (folds.reshape(5, 24) == folds[::24, None]).all()


def test_days_without_events_leave_no_fold_empty() -> None:
    assert day_folds(np.array([0, 3, 6]) * DAY_MS, 3).tolist() == [0, 1, 2]


def test_rows_of_a_single_day_cannot_be_parted() -> None:
    with pytest.raises(TrainingTableError):
        day_folds(np.arange(5) * HOUR, 3)
