"""What a report may be asked, and how that is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.fraud.domain.event import Money
from services.fraud.domain.quality.question import (
    Condition,
    Unlabelled,
    question_faults,
    question_from_json,
    question_to_json,
)
from tests.support.quality import NOW, question

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {
            "unlabelled": Unlabelled.UNKNOWN, "group_by": ("rule", "channel"), "review_cost": Money(450, "EUR"),
            "conditions": (Condition("currency", "EUR"),), "label_delay": timedelta(seconds=1.5),
        },
    ],
)  # fmt: skip
def test_a_question_survives_its_text(changed: dict[str, Any]) -> None:
    asked = question(**changed)
    assert question_from_json(question_to_json(asked)) == asked


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"as_of": NOW + DAY}, "as_of"),
        ({"stored_before": NOW + DAY}, "stored_before"),
        ({"as_of": NOW - DAY}, "until"),
        ({"since": NOW}, "since"),
        ({"since": NOW - timedelta(days=400, seconds=1)}, "since"),
    ],
)
def test_times_that_cannot_be_are_refused_by_their_field(changed: dict[str, Any], field: str) -> None:
    assert [each.path for each in question_faults(replace(question(), **changed), NOW)] == [field]


def test_a_period_is_mature_once_its_last_event_is() -> None:
    asked = question(label_delay=DAY)
    assert asked.mature_at == NOW + DAY
    assert asked.is_mature(NOW - DAY) and not asked.is_mature(NOW - DAY + timedelta(milliseconds=1))
