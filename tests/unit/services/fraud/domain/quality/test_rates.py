"""Few cases leave much room for what a share may be."""

from __future__ import annotations

import pytest

from services.fraud.domain.quality.rates import CountedRate, wilson_interval


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # Newcombe (1998), table 1: 81/263, 15/148, 0/20, 1/29.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_bounds_are_those_of_the_literature(hits: int, of: int, low: float, high: float) -> None:
    assert wilson_interval(hits, of) == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(of - hits, of) == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_of_no_case_nothing_is_known() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert CountedRate(0, 0).share is None
    assert CountedRate(1, 4).share == 0.25
