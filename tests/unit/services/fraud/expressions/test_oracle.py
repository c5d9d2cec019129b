"""Expressions mean what the library's own evaluation says they mean."""

from __future__ import annotations

import os

from tests.support.expressions import compare

COUNT = int(os.environ.get("RAMPART_EXPRESSIONS", "2000"))
"""100,000 take about six minutes."""


def test_random_expressions_agree_with_the_library() -> None:
    seen = compare(seed=1, count=COUNT)
    # Otherwise little has been compared.
    assert seen.values == 4 * COUNT
    assert min(seen.true, seen.errors, seen.missing) > seen.values / 20
    assert seen.too_large < COUNT / 50
