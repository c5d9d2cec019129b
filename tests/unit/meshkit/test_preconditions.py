from __future__ import annotations

import pytest

from meshkit.preconditions import Preconditions


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "holds"),
    [
        ([], [], True),
        (['"2"'], [], True),
        (['"1"', '"2"'], [], True),
        (["*"], [], True),
        (['"1"', '"3"'], [], False),
        (['W/"2"'], [], False),
        (["2"], [], False),
        ([], ['"1"'], True),
        ([], ['"1"', '"2"'], False),
        ([], ['W/"2"'], False),
        ([], ["*"], False),
        (['"2"'], ['"1"'], True),
        (['"2"'], ['"2"'], False),
    ],
)
def test_a_state_is_compared_strongly_with_what_must_match_and_weakly_with_what_must_not(
    if_match: list[str], if_none_match: list[str], holds: bool
) -> None:
    asked = Preconditions(if_match, if_none_match)
    assert asked.hold('"2"') is holds
    assert bool(asked) is bool(if_match or if_none_match)
