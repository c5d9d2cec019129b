"""Numbers of expressions are CEL's, where Python's are others."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from services.fraud.domain.expressions import arithmetic as a

LARGEST, SMALLEST = 2**63 - 1, -(2**63)


@pytest.mark.parametrize(
    ("function", "arguments", "result"),
    [
        (a.divide_whole, (-7, 2), -3),
        (a.divide_whole, (7, -2), -3),
        (a.divide_whole, (-7, -2), 3),
        (a.divide_whole, (SMALLEST, 1), SMALLEST),
        (a.divide_whole, (SMALLEST, -1), None),
        (a.divide_whole, (1, 0), None),
        (a.remainder_whole, (-7, 2), -1),
        (a.remainder_whole, (7, -2), 1),
        (a.remainder_whole, (7, 0), None),
        (a.whole, (LARGEST,), LARGEST),
        (a.whole, (LARGEST + 1,), None),
        (a.whole, (SMALLEST - 1,), None),
        (a.divide, (1.0, 0.0), math.inf),
        (a.divide, (1.0, -0.0), -math.inf),
        (a.divide, (-1.0, 0.0), -math.inf),
        (a.divide, (-math.inf, 0.0), -math.inf),
        (a.rounded, (2.5, -1), 2.0),
        (a.rounded, (-2.5, 1), -2.0),
        (a.rounded, (math.inf, 1), math.inf),
        (a.rounded, (1e300, -1), 1e300),
        (a.round_away, (2.5,), 3.0),
        (a.round_away, (-2.5,), -3.0),
        (a.round_away, (0.49999999999999994,), 0.0),
        (a.round_away, (-0.6,), -1.0),
        (a.round_away, (-math.inf,), -math.inf),
        (a.to_whole, (2.9,), 2),
        (a.to_whole, (-2.9,), -2),
        (a.to_whole, (2.0**63,), None),
        (a.to_whole, (math.nan,), None),
        (a.to_whole, ("-12",), -12),
        (a.to_whole, ("1_2",), None),
        (a.to_whole, ("١",), None),
        (a.to_whole, ("9" * 5_000,), None),
        (a.to_whole, ("9223372036854775808",), None),
        (a.to_double, ("1e3",), 1000.0),
        (a.to_double, (".5",), 0.5),
        (a.to_double, ("inf",), None),
        (a.to_double, ("0x10",), None),
        (a.to_double, (" 1",), None),
        (a.text_of_double, (100.0,), "100"),
        (a.text_of_double, (0.1,), "0.1"),
        (a.text_of_double, (1e20,), "1e+20"),
        (a.text_of_double, (math.inf,), "inf"),
        (a.join, ("a" * 16_000, "b" * 384), "a" * 16_000 + "b" * 384),
        (a.join, ("a" * 16_000, "b" * 385), None),
    ],
)
def test_computes_or_has_no_value(function: Callable[..., Any], arguments: tuple[Any, ...], result: Any) -> None:
    found = function(*arguments)
    assert (found, type(found)) == (result, type(result))


@pytest.mark.parametrize(("left", "right"), [(0.0, 0.0), (math.nan, 0.0), (0.0, math.nan), (math.nan, 1.0)])
def test_what_is_no_number_stays_none(left: float, right: float) -> None:
    assert math.isnan(a.divide(left, right))
