"""Which decisions a watcher gets."""

from __future__ import annotations

import pytest

from services.fraud.domain.outbox import Place
from services.fraud.domain.watching import Committed, Selection

ROW = Committed(Place(1, 1), "tenant", "u1", "review", 0.5, b"")


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), True),
        (Selection(outcomes=frozenset({"review", "decline"})), True),
        (Selection(outcomes=frozenset({"decline"})), False),
        (Selection(user_id="u1"), True),
        (Selection(user_id="u2"), False),
        (Selection(min_score=0.5), True),
        (Selection(min_score=0.51), False),
        (Selection(frozenset({"review"}), "u1", 0.5), True),
        (Selection(frozenset({"review"}), "u2", 0.5), False),
        (Selection(frozenset({"approve"}), "u1", 0.5), False),
    ],
    ids=repr,
)
def test_every_condition_must_hold(selection: Selection, taken: bool) -> None:
    assert selection.takes(ROW) is taken
