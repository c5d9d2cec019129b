"""Rows are what decisions saw, in the units that rules see, with what is known of them."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from meshkit.tasks import TaskFailure
from services.fraud.convert import past_from_record
from services.fraud.domain.backtests.past import BUILT_IN_SETS
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.labels.label import LabelKind
from services.fraud.domain.scoring.model import ModelRef
from services.fraud.domain.scoring.settings import TrainingTarget
from services.fraud.ports.labelled import DecidedPeriod, LabelledDecision
from services.fraud.ports.training import CollectedRow, TrainingNews, TrainingOrder
from services.fraud.service.models.collecting import TrainingCollector
from tests.support.fraud import check, decided, record
from tests.support.models import settings

NOW = datetime(2026, 11, 28, tzinfo=UTC)
NAMES = ("amount", "user_count_1h", "user_sum_1h", "user_new_device", "amount_usd", "profile.base_risk", "nonsense")


def labelled(days_ago: float, *labels: tuple[float, str], **changed: Any) -> LabelledDecision:
    """Returns a payment of some days ago, with labels that became known some days ago."""
    when = NOW - timedelta(days=days_ago)
    made = decided(check("t", event_time=when, **changed), when)
    kept = record(made)
    row = {
        "decision_id": uuid4(), "transaction_id": made.check.transaction_id, "event_type": "payment",
        "event_time": when, "create_time": when, "event": kept.fields, "answer": kept.answer, "inputs": kept.inputs,
    }  # fmt: skip
    said = [(ms(NOW - timedelta(days=days)), number, LabelKind(kind)) for number, (days, kind) in enumerate(labels, 1)]
    return LabelledDecision(past_from_record(row), said)


def ms(when: datetime) -> int:
    return int(when.timestamp() * 1000)


class Rows:
    """Implements `LabelledDecisions` and `RowSink`: two decisions a page."""

    def __init__(self, *decisions: LabelledDecision) -> None:
        self.decisions = decisions
        self.taken: list[CollectedRow] = []

    async def count(self, period: DecidedPeriod) -> int:
        return len(self.decisions)

    async def pages(self, period: DecidedPeriod) -> AsyncGenerator[Sequence[LabelledDecision], None]:
        for start in range(0, len(self.decisions), 2):
            yield self.decisions[start : start + 2]

    def add(self, rows: Sequence[CollectedRow]) -> None:
        self.taken += rows


def collector(rows: Rows, most: int = 100, **changed: Any) -> TrainingCollector:
    asked = settings(NOW, **{"features": NAMES, **changed})
    order = TrainingOrder(tenant_id="t", ref=ModelRef("cards", 1), event_type="payment", token=1, settings=asked)
    return TrainingCollector(order, rows=rows, sink=rows, event_type=PAYMENT, sets=BUILT_IN_SETS, now=NOW, most=most)


async def collected(rows: Rows, **changed: Any) -> list[CollectedRow]:
    _ = [each async for each in collector(rows, **changed).run()]
    return rows.taken


async def test_values_are_in_the_units_that_rules_see() -> None:
    (row,) = await collected(Rows(labelled(1, amount_minor=1250, currency="USD")))
    amount, count, total, is_new, dollars, risk, nonsense = row.values
    assert (amount, count, total, is_new, dollars) == (12.5, 0.0, 0.0, 0.0, 12.5)
    assert risk == 0.1
    assert math.isnan(nonsense)
    assert (row.time_ms, row.amount, row.known_ms) == (ms(NOW - timedelta(days=1)), 12.5, None)


async def test_learned_rows_know_what_was_known_by_the_end_of_the_delay() -> None:
    # Learned from is what lies more than 6 days ago, by what was known 4 days ago.
    rows = await collected(
        Rows(
            labelled(8, (5, "fraud")),
            labelled(8, (3, "fraud")),
            labelled(8, (5, "fraud"), (1, "legitimate")),
            labelled(2, (1.5, "fraud"), (1, "false_positive")),
            labelled(2, (1, "chargeback")),
        )
    )
    days = [None if row.known_ms is None else (ms(NOW) - row.known_ms) / 86_400_000 for row in rows]
    assert days == [5, 3, 5, None, 1]


async def test_the_target_may_be_chargebacks_alone() -> None:
    rows = Rows(labelled(2, (1, "fraud")), labelled(2, (1, "chargeback")))
    found = await collected(rows, target=TrainingTarget.CHARGEBACK)
    assert [row.known_ms is not None for row in found] == [False, True]


async def test_rows_of_one_user_are_one_entity_and_of_nobody_each_its_own() -> None:
    one, same, other = await collected(Rows(*(labelled(1, user_id=user) for user in ("u1", "u1", "u2"))))
    assert one.entity == same.entity != other.entity
    first, second = await collected(Rows(labelled(1), labelled(1)), entity_field="card_fingerprint")
    assert first.entity != second.entity


async def test_what_cannot_be_read_is_counted_and_left_out() -> None:
    good, bad = labelled(1), labelled(1)
    assert bad.past.vector is not None
    bad = bad._replace(past=bad.past._replace(vector=bad.past.vector._replace(version="t9")))
    rows = Rows(good, bad, good)
    collecting = collector(rows)
    news = [each async for each in collecting.run()]
    assert (len(rows.taken), collecting.unreadable) == (2, 1)
    assert news == [TrainingNews(done, 3, "reading decisions") for done in (0, 2, 3)]


@pytest.mark.parametrize(("count", "words"), [(0, "no events"), (3, "more than 2")])
async def test_too_many_rows_and_none_are_told(count: int, words: str) -> None:
    rows = Rows(*(labelled(1) for _ in range(count)))
    with pytest.raises(TaskFailure, match=words) as caught:
        _ = [each async for each in collector(rows, most=2).run()]
    assert not caught.value.retryable
