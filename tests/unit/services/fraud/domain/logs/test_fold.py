"""What a fold holds of a transaction, and what it promises beside its values."""

from __future__ import annotations

import random
import tracemalloc
from unittest.mock import Mock

import pytest

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.plan import plan_kinds
from services.fraud.domain.declared.records import (
    CORRECTION,
    EVENT,
    LABEL,
    WITHDRAWAL,
    LogRecord,
    RecordLayout,
    currency_number,
)
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.logs.blocks import Block
from services.fraud.domain.logs.fold import Fold, TornLog
from tests.support.log_streams import DAY_MS

NOW = 1_700_000_000_000
DOLLARS, EUROS = currency_number("USD"), currency_number("EUR")


def _feature(aggregate: Aggregate, field: str = "", **more: object) -> Feature:
    given: dict[str, object] = {
        "name": f"f_{aggregate.value}",
        "event_type": "payment",
        "key": ("user_id",),
        "window_ms": 30 * DAY_MS,
    }
    return Feature(aggregate=aggregate, field=field, **{**given, **more})  # type: ignore[arg-type]


COUNT_SUM_DISTINCT = [
    _feature(Aggregate.COUNT),
    _feature(Aggregate.SUM, "amount"),
    _feature(Aggregate.DISTINCT, "device_fingerprint"),
]
PLAN = plan_kinds(COUNT_SUM_DISTINCT, BUILT_IN)["user_id"]


def _event(transaction: int, amount: int = 100, time: int = NOW, kind: int = EVENT, **more: object) -> LogRecord:
    record = LogRecord(time, transaction, (amount,), (7,), 0, DOLLARS, 0, kind)
    return record._replace(**more)  # type: ignore[arg-type]


def _read(*records: LogRecord) -> list[object]:
    one_by_one, together = Fold(PLAN), Fold(PLAN)
    for record in records:
        one_by_one.add(record)
    together.extend(RecordLayout(PLAN).pack_all(records))
    assert one_by_one.read(_event(99)) == together.read(_event(99))
    return together.read(_event(99))


@pytest.mark.parametrize(
    ("records", "values"),
    [
        ([], [0, 0, 0]),
        ([_event(1), _event(1, 500)], [1, 100, 1]),
        ([_event(1), _event(1, kind=WITHDRAWAL)], [0, 0, 0]),
        ([_event(1), _event(1, kind=WITHDRAWAL), _event(1, 500)], [1, 500, 1]),
        ([_event(1), _event(1, 300, kind=CORRECTION)], [1, 300, 1]),
        ([_event(1, 300, kind=CORRECTION), _event(1)], [1, 100, 1]),
        ([_event(1, kind=WITHDRAWAL), _event(1)], [1, 100, 1]),
        ([_event(1, kind=WITHDRAWAL), _event(1, restored=True)], [0, 0, 0]),
        ([_event(1), _event(1, kind=LABEL)], [1, 100, 1]),
        ([_event(1), _event(2, kind=LABEL)], [1, 100, 1]),
        ([_event(2, kind=WITHDRAWAL), _event(1), _event(3, kind=CORRECTION)], [1, 100, 1]),
        ([_event(1), _event(1, 500, attempt=2), _event(1, kind=WITHDRAWAL)], [1, 500, 1]),
        ([_event(1), _event(1, 500, attempt=2), _event(1, attempt=2, kind=WITHDRAWAL)], [1, 100, 1]),
        ([_event(1, attempt=5), _event(1, attempt=5, kind=WITHDRAWAL), _event(1, restored=True)], [1, 100, 1]),
        ([_event(1), _event(2, 900, currency=EUROS)], [2, 100, 1]),
        ([_event(1, 2**62), _event(2, 2**62), _event(3, 2**62)], [3, 3 * 2**62, 1]),
    ],
)
def test_of_each_transaction_counts_what_came_last(records: list[LogRecord], values: list[object]) -> None:
    assert _read(*records) == values


def test_a_retry_reads_what_its_first_attempt_read_and_leaves_the_fold_as_it_was() -> None:
    fold = Fold(PLAN)
    for number in range(1, 6):
        fold.add(_event(number, 10**number))
    fold.add(_event(1, kind=WITHDRAWAL))
    before = fold.read(_event(99))
    found = fold.first(3)
    assert found is not None
    assert fold.read_as_of(*found) == [2, 110, 1]
    assert fold.read(_event(99)) == before == [4, 111_100, 1]
    assert fold.first(1) is None
    assert not fold.holds(1)


@pytest.mark.parametrize("others", [0, 50, 300, 700])
def test_an_attempt_never_sees_an_earlier_one_that_was_withdrawn_after_it_came(others: int) -> None:
    """Whether what came since is undone or the log is folded anew."""
    fold = Fold(PLAN)
    fold.add(_event(1, 10))
    fold.add(_event(2, 500, attempt=1))
    fold.add(_event(2, 500, attempt=2))
    fold.add(_event(2, 500, attempt=1, kind=WITHDRAWAL))
    for number in range(others):
        fold.add(_event(1_000 + number))
    found = fold.first(2)
    assert found is not None
    assert found[0].attempt == 2
    assert fold.read_as_of(*found) == [1, 10, 1]


@pytest.mark.parametrize("others", [0, 50, 300])
def test_an_event_is_admitted_once(others: int) -> None:
    """Whether the log is a table or divided into streams."""
    fold, layout = Fold(PLAN), RecordLayout(PLAN)
    fold.extend(layout.pack_all([_event(1_000 + number) for number in range(others)]))
    first, again = _event(7, 500), _event(7, 900, attempt=2)
    assert fold.admit(first, layout.pack(first)) == [others, 100 * others, min(others, 1)]
    assert fold.admit(again, layout.pack(again)) is None
    assert fold.taken == others + 1
    fold.add(again)
    assert fold.read(_event(99)) == [others + 1, 100 * others + 500, 1]
    assert fold.admit(_event(8), layout.pack(_event(8))) == fold.read_as_of(*(fold.first(8) or (_event(8), 0)))


def test_a_retry_of_a_large_log_reads_as_of_its_first_attempt_without_folding_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Among thousands that came later, of which some are late, withdrawn or corrected."""
    dice, fold, layout = random.Random(11), Fold(PLAN), RecordLayout(PLAN)
    monkeypatch.setattr(Fold, "_anew", lambda *_: pytest.fail("the log is folded anew"))
    log = [_event(number + 1, number, NOW + 1_000 * number) for number in range(5_000)]
    fold.extend(layout.pack_all(log[:3_000]))
    record = log[2_999]
    fold_then = Fold(PLAN)
    fold_then.extend(layout.pack_all(log[:2_999]))
    wanted = fold_then.read(record)
    fold.extend(layout.pack_all(log[3_000:]))
    for number in range(40):
        fold.add(_event(9_000 + number, 7, NOW + dice.randrange(3_000_000)))
        fold.add(log[dice.randrange(2_999)]._replace(kind=(WITHDRAWAL, CORRECTION)[number % 2], numbers=(1,)))
    before = fold.read(_event(99, time=NOW + 5_000_000))
    assert fold.read(record) != wanted
    found = fold.first(3_000)
    assert found is not None
    assert fold.read_as_of(*found) == wanted
    assert fold.read(_event(99, time=NOW + 5_000_000)) == before


def test_a_torn_log_is_refused_whole() -> None:
    fold, layout = Fold(PLAN), RecordLayout(PLAN)
    with pytest.raises(TornLog):
        fold.extend(layout.pack_all([_event(1), _event(2)])[:-1])
    assert fold.taken == 0


def test_a_fold_may_be_read_between_the_steps_of_its_making() -> None:
    fold = Fold(PLAN)
    counts: list[int] = []
    data = RecordLayout(PLAN).pack_all([_event(number + 1, time=NOW - 1_000 + number) for number in range(1_000)])
    for _ in fold.extend_in_steps(data):
        count = fold.read(_event(2_000))[0]
        assert isinstance(count, int)
        counts.append(count)
    assert counts == sorted(counts)
    assert counts[-1] == 1_000
    assert len(counts) >= 3


def test_a_converted_sum_is_one_for_each_currency() -> None:
    feature = _feature(Aggregate.SUM, "amount", converted=True, include_current=True)
    fold = Fold(plan_kinds([feature], BUILT_IN)["user_id"])
    for number, currency in enumerate((DOLLARS, EUROS, EUROS, 0), start=1):
        fold.add(_event(number, 10**number, currency=currency, counterparts=()))
    current = _event(9, 7, counterparts=())
    assert fold.read(current) == [{"USD": 17, "EUR": 1_100}]


def test_money_is_missing_for_an_event_without_currency() -> None:
    fold = Fold(PLAN)
    fold.add(_event(1))
    assert fold.read(_event(2, currency=0)) == [1, None, 1]


def test_an_event_reads_the_features_of_its_own_type() -> None:
    features = [
        _feature(Aggregate.COUNT),
        _feature(Aggregate.COUNT, name="logins", event_type="login", counts=("payment",)),
    ]
    plan = plan_kinds(features, BUILT_IN)["user_id"]
    fold = Fold(plan)
    fold.add(_event(1, numbers=(), counterparts=()))
    assert fold.read(_event(2, type=plan.type_index("payment"))) == [1, None]
    assert fold.read(_event(2, type=plan.type_index("login"))) == [None, 1]


@pytest.mark.parametrize("length", [60, 20_000])
def test_the_estimate_of_memory_is_near_to_what_is_taken(length: int) -> None:
    dice = random.Random(3)
    log = [_event(dice.getrandbits(64), time=NOW + at, counterparts=(dice.randint(1, 20),)) for at in range(length)]
    data = RecordLayout(PLAN).pack_all(log)
    Fold(PLAN).extend(data)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        fold = Fold(PLAN)
        fold.extend(data)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.7 * taken < fold.size_bytes() < 1.5 * taken


@pytest.mark.parametrize("own", [1, 9, 200, 700, 2_000])
@pytest.mark.parametrize("distance", [1, DAY_MS // 4, 3 * DAY_MS])
def test_a_history_that_comes_behind_newer_records_is_the_same_as_one_record_after_another(
    own: int, distance: int
) -> None:
    """As of a log that was begun by a check and filled after that, in one piece or several."""
    dice = random.Random(own)
    layout = RecordLayout(PLAN)

    def some(count: int, first: int, start: int, restored: bool) -> list[LogRecord]:
        times = sorted(start + dice.randrange(DAY_MS) for _ in range(count))
        return [
            _event(first + at, dice.randrange(1, 900), time, counterparts=(dice.randrange(40),), restored=restored)
            for at, time in enumerate(times)
        ]

    records = [*some(own, 0, NOW, False), *some(900, 10_000, NOW - distance, True), *some(3, 20_000, NOW + 5, False)]
    one_by_one, together, piece = Fold(PLAN), Fold(PLAN), 256
    for start in range(0, len(records), piece):
        for record in records[start : start + piece]:
            one_by_one.add(record)
        together.extend(layout.pack_all(records[start : start + piece]))
        for time in (NOW - 29 * DAY_MS, NOW, NOW + DAY_MS // 2, NOW + DAY_MS + 10, NOW + 30 * DAY_MS):
            assert together.read(_event(99_999, time=time)) == one_by_one.read(_event(99_999, time=time))
    for record in (records[own + 450], records[0]):
        gone = record._replace(kind=WITHDRAWAL)
        one_by_one.add(gone)
        together.add(gone)
        assert together.read(_event(99_999, time=NOW + DAY_MS)) == one_by_one.read(_event(99_999, time=NOW + DAY_MS))


@pytest.mark.parametrize("which", ["last", "some", "all"])
def test_what_is_withdrawn_at_once_is_gone_as_if_one_after_another_and_nothing_is_read_for_each(
    which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that was not stored: a thousand records of one log, of which some have come again by then."""
    dice, layout = random.Random(3), RecordLayout(PLAN)
    log = [
        _event(number, number % 700, NOW + 1_000 * number - dice.choice((0, 0, 90_000)), counterparts=(number % 40,))
        for number in range(3_000)
    ]
    gone = {"last": log[-1_000:], "some": dice.sample(log, 1_000), "all": log}[which]
    told = [record._replace(kind=WITHDRAWAL) for record in gone]
    told += [record._replace(attempt=2) for record in gone[::9]]
    one_by_one, together = Fold(PLAN), Fold(PLAN)
    for fold in (one_by_one, together):
        fold.extend(layout.pack_all(log))
    for record in told:
        one_by_one.add(record)
    fill = Mock(wraps=Block.fill)
    monkeypatch.setattr(Block, "fill", lambda *given: fill(*given))
    together.extend(layout.pack_all(told))
    assert fill.call_count < len(gone) / 5
    for time in (NOW, NOW + 1_000_000, NOW + 2_950_000, NOW + 9_000_000):
        assert together.read(_event(99_999, time=time)) == one_by_one.read(_event(99_999, time=time))
    for record in (log[2_999], gone[0], gone[-1]):
        found = together.first(record.transaction)
        assert found == one_by_one.first(record.transaction)
        assert found is None or together.read_as_of(*found) == one_by_one.read_as_of(*found)
