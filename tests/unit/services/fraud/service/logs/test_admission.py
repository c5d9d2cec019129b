"""As much is read of the history at once as takes no longer than a check should wait."""

from __future__ import annotations

import pytest

from services.fraud.service.logs.admission import BUDGET_SECONDS, OWN_COST, HistoryAdmission
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock[float]:
    return Clock(0.0)


@pytest.fixture
def admission(clock: Clock[float]) -> HistoryAdmission:
    return HistoryAdmission(clock)


def read(admission: HistoryAdmission, clock: Clock[float], count: int, seconds: float) -> None:
    with admission.reading(count):
        clock.now += seconds


def test_all_is_admitted_until_it_is_known_what_a_read_takes(admission: HistoryAdmission) -> None:
    assert admission.admitted(5_000) == 5_000


def test_what_fits_into_the_budget_is_admitted_and_no_more(admission: HistoryAdmission, clock: Clock[float]) -> None:
    for _ in range(60):
        read(admission, clock, 96, 0.2)
    most = int(BUDGET_SECONDS / (0.2 / (96 + OWN_COST))) - OWN_COST
    assert admission.admitted(most) == most
    assert abs(admission.admitted(5_000) - most) <= 1


def test_what_is_under_way_takes_its_part_of_the_budget(admission: HistoryAdmission, clock: Clock[float]) -> None:
    for _ in range(60):
        read(admission, clock, 96, 0.2)
    most = admission.admitted(5_000)
    with admission.reading(20):
        assert admission.admitted(5_000) == most - 20 - OWN_COST
        with admission.reading(most):
            assert admission.admitted(1) == 0


def test_one_log_is_admitted_while_none_is_read_however_long_the_last_took(
    admission: HistoryAdmission, clock: Clock[float]
) -> None:
    read(admission, clock, 1, 60.0)
    assert admission.admitted(7) == 1
    with admission.reading(1):
        assert admission.admitted(7) == 0


def test_more_is_admitted_again_once_reads_are_quick(admission: HistoryAdmission, clock: Clock[float]) -> None:
    read(admission, clock, 96, 60.0)
    for _ in range(60):
        read(admission, clock, 10, 0.001)
    assert admission.admitted(200) == 200


def test_read_that_fails_is_no_longer_under_way(admission: HistoryAdmission) -> None:
    with pytest.raises(TimeoutError), admission.reading(200):
        raise TimeoutError
    assert admission.admitted(200) == 200
