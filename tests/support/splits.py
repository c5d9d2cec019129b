"""Splits in time for tests."""

from __future__ import annotations

from services.fraud.models.splits import DAY_MS, Period, TimeSplit


def split_before(
    end_ms: int,
    *,
    train_days: int,
    delay_days: int,
    test_days: int,
    validation_days: int = 0,
    known_days: int | None = None,
) -> TimeSplit:
    """Returns the split whose test ends at a time. Fraud of the last `known_days` of training is known."""
    test = Period(end_ms - test_days * DAY_MS, end_ms)
    validation = Period(test.start_ms - validation_days * DAY_MS, test.start_ms)
    trained_ms = validation.start_ms - delay_days * DAY_MS
    train = Period(trained_ms - train_days * DAY_MS, trained_ms)
    known_since_ms = trained_ms - (train_days if known_days is None else known_days) * DAY_MS
    return TimeSplit(train, validation, test, delay_days * DAY_MS, known_since_ms)
