from __future__ import annotations

import random
import struct

import pytest

from services.fraud.domain.declared.records import (
    CORRECTION,
    MISSING,
    LogRecord,
    RecordLayout,
    currency_letters,
    currency_number,
)
from services.fraud.domain.logs.rows import Rows
from services.fraud.domain.logs.transactions import TransactionIndex
from tests.support.log_streams import every_feature, plan_of

PLAN = plan_of(every_feature())
LAYOUT = RecordLayout(PLAN)
EXTREME = LogRecord(
    -(2**63),
    2**64 - 1,
    (MISSING, 2**63 - 1, 2**63 - 1),
    (2**64 - 1,),
    255,
    65_535,
    2**16 - 1,
    CORRECTION,
    2**16 - 1,
    True,
)
PLAIN = LogRecord(0, 0, (0, 0, 0), (0,))


def test_records_come_back_as_they_were() -> None:
    data = LAYOUT.pack_all([EXTREME, PLAIN])
    assert LAYOUT.unpack_all(data) == [EXTREME, PLAIN]
    assert len(data) == 2 * LAYOUT.size == 2 * (24 + 8 * 4)


def test_a_torn_end_is_told_and_passed_over() -> None:
    data = LAYOUT.pack_all([EXTREME, PLAIN])[:-5]
    assert LAYOUT.torn(data) == LAYOUT.size - 5
    assert LAYOUT.unpack_all(data) == [EXTREME]


@pytest.mark.parametrize("record", [PLAIN._replace(numbers=(0, 0)), PLAIN._replace(numbers=(2**63, 0, 0))])
def test_what_does_not_fit_the_plan_is_not_packed(record: LogRecord) -> None:
    with pytest.raises(struct.error):
        LAYOUT.pack(record)


@pytest.mark.parametrize("letters", ["", "AAA", "USD", "ZZZ"])
def test_currencies_come_back_as_they_were(letters: str) -> None:
    assert currency_letters(currency_number(letters)) == letters
    assert 0 <= currency_number(letters) < 2**16


@pytest.mark.parametrize("letters", ["US", "usd", "U$D", "USDX"])
def test_what_is_no_currency_has_no_number(letters: str) -> None:
    with pytest.raises(ValueError, match="no code of a currency"):
        currency_number(letters)


@pytest.mark.parametrize("spread", [1, 2**40], ids=["low bits differ", "high bits differ"])
def test_transactions_are_found_whatever_their_hashes(spread: int) -> None:
    rows, dice = Rows(LAYOUT), random.Random(5)
    index, hashes = TransactionIndex(rows), [number * spread for number in range(1, 3_000)]
    dice.shuffle(hashes)
    for place, transaction in enumerate(hashes):
        rows.packed += LAYOUT.pack(PLAIN._replace(transaction=transaction))
        assert index.claim(transaction, place)
        assert not index.claim(transaction, place + 1)
    assert all(index.find(transaction, len(hashes)) == place for place, transaction in enumerate(hashes))
    assert index.find(hashes[9], 9) == -1
    rows.drop(1_000)
    assert [index.find(transaction, len(hashes)) for transaction in hashes[998:1_002]] == [-1, -1, 1_000, 1_001]
    assert index.claim(hashes[3], len(hashes))
