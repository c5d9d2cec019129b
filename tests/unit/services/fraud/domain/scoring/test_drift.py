"""How far what a model sees lies from what it has learned from."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.fraud.domain.names import name_faults
from services.fraud.domain.scoring.drift import (
    LEAST_ROWS,
    SCORE,
    DriftState,
    SeenDay,
    drift_of,
    newest_days,
    scores_renamed,
    stability_index,
    summed_days,
)

DAY = date(2026, 11, 29)
SHARES = {"amount": (0.5, 0.5, 0.0), "count": (0.9, 0.05, 0.05), SCORE: (0.9, 0.1, 0.0)}


def seen(day: date = DAY, rows: int = 10_000, certain: int = 50, **counts: list[int]) -> SeenDay:
    usual = {name: [round(rows * share) for share in shares] for name, shares in SHARES.items()}
    return SeenDay(day, rows, certain, usual | counts)


def test_the_same_shares_have_not_drifted() -> None:
    found = drift_of(SHARES, [seen()], 0.004)
    assert found.score is not None and found.score.state is DriftState.STABLE
    assert [each.state for each in found.inputs] == [DriftState.STABLE] * 2
    assert (found.rows, found.alert_rate, found.usual_alert_rate) == (10_000, 0.005, 0.004)
    assert found.drifted == []


def test_the_feature_that_lies_farthest_is_told_first() -> None:
    found = drift_of(SHARES, [seen(count=[4_000, 500, 5_500], amount=[4_000, 6_000, 0])], None)
    assert [each.name for each in found.inputs] == ["count", "amount"]
    count, amount = found.inputs
    assert (count.state, amount.state) == (DriftState.DRIFTED, DriftState.STABLE)
    assert (count.missing, count.usually_missing) == (0.55, 0.05)
    assert [each.name for each in found.drifted] == ["count"]


def test_scores_drift_as_features_do() -> None:
    found = drift_of(SHARES, [seen()._replace(counts={SCORE: [5_000, 5_000, 0]})], None)
    assert [each.name for each in found.drifted] == [SCORE]


def test_scores_are_named_as_no_feature_can_be() -> None:
    assert name_faults(SCORE, "name")


def test_scores_that_were_kept_as_a_feature_are_scores() -> None:
    assert scores_renamed({"amount": 1, "score": 2}) == {"amount": 1, SCORE: 2}
    assert scores_renamed({"score": 1, SCORE: 2}) == {"score": 1, SCORE: 2}, "a feature of that name"
    assert scores_renamed({"amount": 1}) == {"amount": 1}


def test_few_events_say_nothing() -> None:
    few = LEAST_ROWS - 1
    found = drift_of(SHARES, [SeenDay(DAY, few, 0, {"count": [0, 0, few]})], None)
    assert {each.state for each in found.inputs} == {DriftState.UNKNOWN}
    assert found.score is not None and found.score.state is DriftState.UNKNOWN


def test_a_model_without_a_reference_tells_its_alerts_alone() -> None:
    found = drift_of({}, [SeenDay(DAY, 100, 5, {})], None)
    assert (found.score, found.inputs, found.alert_rate) == (None, [], 0.05)
    assert (found.days[0].score_index, found.days[0].worst) == (None, None)


def test_nothing_seen_is_no_drift() -> None:
    found = drift_of(SHARES, [], None)
    assert (found.rows, found.alert_rate, found.days, found.drifted) == (0, 0.0, [], [])


def test_days_are_told_one_by_one_and_as_a_whole() -> None:
    yesterday = DAY - timedelta(days=1)
    found = drift_of(SHARES, [seen(count=[0, 0, 10_000]), seen(yesterday)], None)
    assert [(each.day, each.rows) for each in found.days] == [(DAY, 10_000), (yesterday, 10_000)]
    newest, before = found.days
    assert newest.worst is not None and before.worst is not None
    assert newest.worst.name == "count"
    assert newest.worst.index > found.inputs[0].index > before.worst.index


def test_what_processes_saw_of_a_day_is_added_up() -> None:
    yesterday = DAY - timedelta(days=1)
    parts = [
        SeenDay(yesterday, 1, 0, {"a": [1]}),
        SeenDay(DAY, 2, 1, {"a": [2]}),
        SeenDay(DAY, 3, 1, {"a": [2], "b": [1]}),
    ]
    assert summed_days(parts) == [SeenDay(DAY, 5, 2, {"a": [4], "b": [1]}), SeenDay(yesterday, 1, 0, {"a": [1]})]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [([5_000, 5_000, 5_000], 2), ([10, 5_000, 5_000], 2), ([10, 10, 5_000, 5_000], 3), ([10, 10], 2), ([], 0)],
)
def test_days_are_looked_back_on_until_there_are_events_enough(rows: list[int], expected: int) -> None:
    days = [SeenDay(DAY - timedelta(days=n), each, 0, {}) for n, each in enumerate(rows)]
    assert newest_days(days) == days[:expected]


@pytest.mark.parametrize("counts", [[1, 2], [0, 0, 0]])
def test_other_bins_and_none_filled_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="other bins"):
        stability_index(SHARES["amount"], counts)
