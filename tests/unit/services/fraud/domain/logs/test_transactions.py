from __future__ import annotations

import pytest

from services.fraud.domain.declared.records import LogRecord, RecordLayout
from services.fraud.domain.logs import transactions
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.transactions import TransactionIndex
from tests.support.log_streams import every_feature, plan_of

LAYOUT = RecordLayout(plan_of(every_feature()))


@pytest.mark.parametrize("marks", [2**32 - 1, 3, 0])
def test_transactions_with_one_mark_are_told_apart(monkeypatch: pytest.MonkeyPatch, marks: int) -> None:
    monkeypatch.setattr(transactions, "ALL", marks)
    rows = Rows(LAYOUT)
    index = TransactionIndex(rows)
    for place in range(300):
        rows.packed += LAYOUT.pack(LogRecord(0, place * 7 + 1, (0, 0, 0), (0,)))
        assert index.claim(place * 7 + 1, place)
    assert [index.find(place * 7 + 1, 300) for place in range(300)] == list(range(300))
    assert index.find(3, 300) == -1
    assert not index.claim(8, 300)
