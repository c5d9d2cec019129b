"""Tables of rows to learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from services.fraud.models.dataset import LARGEST_VALUE, NEVER, TrainingTable
from services.fraud.models.failures import TrainingTableError
from tests.support.scorers import matrix_of


def small(**more: object) -> TrainingTable:
    columns = {
        "known_ms": np.array([NEVER, 50, NEVER]),
        "times_ms": np.array([30, 10, 20]),
        "entities": np.array([3, 1, 2], np.uint64),
        "amounts": np.array([3.0, 1.0, 2.0]),
    }
    values = np.array([[3.0, np.nan], [1.0, 10.0], [2.0, 20.0]])
    return TrainingTable.of(["a", "b"], values, **{**columns, **more})  # type: ignore[arg-type]


def test_rows_are_put_in_the_order_of_their_times() -> None:
    table = small()
    assert table.values[:, 0].tolist() == [1, 2, 3]
    assert table.entities.tolist() == [1, 2, 3]
    assert table.amounts.tolist() == [1, 2, 3]
    assert table.labels().tolist() == [True, False, False]


def test_fraud_counts_from_when_it_is_known() -> None:
    assert not small().labels(49).any()
    assert small().labels(50).tolist() == [True, False, False]


def test_a_value_that_is_absent_none_or_not_finite_is_missing_and_a_huge_one_the_largest() -> None:
    rows: list[dict[str, float | None]] = [
        {"a": 1.5},
        {"a": None, "b": 2.0},
        {"a": float("inf"), "b": 1e300},
        {"b": -1e300},
    ]
    found = matrix_of(rows, ["a", "b"])
    assert np.isnan(found[[0, 1, 2, 3], [1, 0, 0, 0]]).all()
    assert found[0, 0] == 1.5
    assert [found[2, 1], found[3, 1]] == [np.float32(LARGEST_VALUE), np.float32(-LARGEST_VALUE)]


def test_columns_of_other_lengths_and_names_that_stand_twice_are_refused() -> None:
    with pytest.raises(TrainingTableError):
        replace(small(), amounts=np.zeros(2))
    with pytest.raises(TrainingTableError):
        replace(small(), names=("a", "a"))
    with pytest.raises(TrainingTableError):
        replace(small(), times_ms=np.array([3, 2, 1]))


@pytest.mark.parametrize("column", ["known_ms", "times_ms", "entities", "amounts"])
def test_another_value_anywhere_is_another_fingerprint(column: str) -> None:
    before = small()
    changed = getattr(before, column).copy()
    changed[-1] += 1 if column != "known_ms" else -1
    assert replace(before, **{column: changed}).fingerprint() != before.fingerprint()


def test_another_feature_is_another_fingerprint_and_the_same_rows_are_the_same() -> None:
    before = small()
    values = before.values.copy()
    values[0, 0] += 1
    assert replace(before, values=values).fingerprint() != before.fingerprint()
    assert replace(before, names=("a", "c")).fingerprint() != before.fingerprint()
    assert small().fingerprint() == before.fingerprint()


def test_a_missing_value_has_one_fingerprint_however_it_is_written() -> None:
    before = small()
    other_nan = before.values.copy()
    other_nan.view(np.uint32)[np.isnan(other_nan)] = 0x7FC00123
    assert replace(before, values=other_nan).fingerprint() == before.fingerprint()
