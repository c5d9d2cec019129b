"""What events see of labels, in small logs and in large ones."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import chain
from unittest.mock import Mock

import pytest

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.plan import plan_kinds, plan_reading
from services.fraud.domain.declared.records import CORRECTION, EVENT, LABEL, WITHDRAWAL, LogRecord, RecordLayout
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.logs import fold as folds
from services.fraud.domain.logs.fold import Fold
from services.fraud.domain.logs.streams import Streams
from tests.support.log_streams import DAY_MS

NOW, HOUR_MS = 1_700_000_000_000, 3_600_000
COUNT = Feature(
    name="n", event_type="payment", key=("user_id",), aggregate=Aggregate.COUNT, window_ms=DAY_MS, delay_ms=HOUR_MS
)
FRAUD, SHARE, KNOWN = (
    replace(COUNT, name=each.value, aggregate=each)
    for each in (Aggregate.COUNT_FRAUD, Aggregate.SHARE_FRAUD, Aggregate.KNOWN_FRAUD)
)
RISKY = replace(FRAUD, name="risky", where="amount > 1.0")
PLAN = plan_kinds([COUNT, FRAUD, SHARE, KNOWN, RISKY], BUILT_IN)["user_id"]
LAYOUT = RecordLayout(PLAN)
CURRENT = LogRecord(NOW, 999_999, (), ())
SIZES = pytest.mark.parametrize("others", [0, 40, 200, 2_000])
"""Events of other transactions that came before: none or few in a table, or many in streams, some of them sealed."""


def event(transaction: int, ago: int = 2 * HOUR_MS, *, kind: int = EVENT, risky: bool = False) -> LogRecord:
    return LogRecord(NOW - ago, transaction, (), (), filters=int(risky), kind=kind)


def label(transaction: int, number: int = 1, *, fraud: bool = True, ago: int = 0, restored: bool = False) -> LogRecord:
    return LAYOUT.unpack(LAYOUT.label(NOW - ago, transaction, number, fraud=fraud, restored=restored))


def folded(others: int, *records: LogRecord, check: bool = True) -> Fold:
    """Folds records one by one and together, and compares what is read of both."""
    log = [event(10_000 + at, 20 * HOUR_MS) for at in range(others)]
    log += records
    one_by_one, together = Fold(PLAN), Fold(PLAN)
    for record in log:
        one_by_one.add(record)
    together.extend(LAYOUT.pack_all(log))
    assert one_by_one.taken == together.taken == len(log)
    for at in range(0, 3 * HOUR_MS, HOUR_MS // 2) if check else ():
        current = CURRENT._replace(time=NOW - HOUR_MS + at)
        assert one_by_one.read(current) == together.read(current)
    return together


def fraud_in(fold: Fold, time: int = NOW) -> object:
    _, count, share, known, _ = values = fold.read(CURRENT._replace(time=time))
    assert isinstance(count, int)
    assert isinstance(values[0], int)
    assert (share, type(share)) == (count / values[0] if values[0] else 0.0, float)
    assert known is (count > 0)
    return count


@SIZES
def test_what_is_labelled_as_fraud_counts(others: int) -> None:
    fold = folded(others, event(1, risky=True), event(2), event(3), label(1), label(3), label(2, fraud=False))
    assert fold.read(CURRENT) == [others + 3, 2, 2 / (others + 3), True, 1]


@SIZES
def test_a_label_is_not_used_before_it_was_known(others: int) -> None:
    fold = folded(others, event(1), label(1, ago=-1))
    assert [fraud_in(fold, NOW + at) for at in (0, 1, 2)] == [0, 1, 1]


@SIZES
def test_a_label_is_seen_by_what_arrives_after_it_alone(others: int) -> None:
    fold = folded(others, event(1), event(2, 0))
    found = fold.first(2)
    fold.add(label(1, ago=HOUR_MS))
    assert found is not None
    assert (fold.read_as_of(*found)[1], fold.read(found[0])[1]) == (0, 1)
    assert fraud_in(fold) == 1


@SIZES
def test_a_restored_label_counts_as_arrived_before_what_is_not_restored(others: int) -> None:
    fold = folded(others, event(1), event(2, 0))
    found = fold.first(2)
    fold.add(label(1, ago=HOUR_MS, restored=True))
    assert found is not None
    assert fold.read_as_of(*found)[1] == 1


@SIZES
def test_the_delay_leaves_out_what_is_newer_whatever_its_label(others: int) -> None:
    fold = folded(others, event(1, HOUR_MS), event(2, HOUR_MS - 1), label(1), label(2))
    assert [fraud_in(fold, NOW + at) for at in (0, 1)] == [1, 2]


@SIZES
def test_a_label_that_is_known_after_a_time_changes_nothing_before_it(others: int) -> None:
    fold = folded(others, event(1), event(2), label(1, ago=HOUR_MS))
    times = range(NOW - HOUR_MS, NOW, HOUR_MS // 8)
    before = [fold.read(CURRENT._replace(time=time)) for time in times]
    fold.add(label(1, 2, fraud=False))
    fold.add(label(2))
    assert [fold.read(CURRENT._replace(time=time)) for time in times] == before
    assert fraud_in(fold) == 1


@SIZES
def test_of_several_labels_the_newest_one_known_counts(others: int) -> None:
    times = [label(1, ago=40), label(1, 2, fraud=False, ago=30), label(1, 3, ago=20), label(1, 4, fraud=False, ago=10)]
    for order in (times, times[::-1], [times[at] for at in (2, 0, 3, 1)]):
        fold = folded(others, event(1), *order)
        assert [fraud_in(fold, NOW - ago) for ago in (41, 40, 31, 30, 21, 20, 11, 10, 0)] == [0, 1, 1, 0, 0, 1, 1, 0, 0]


@SIZES
def test_of_two_labels_at_one_time_the_greater_number_counts(others: int) -> None:
    pair = [label(1, 1), label(1, 2, fraud=False)]
    assert [fraud_in(folded(others, event(1), *order)) for order in (pair, pair[::-1])] == [0, 0]


@SIZES
def test_a_label_waits_for_its_event(others: int) -> None:
    fold = folded(others, label(1), event(2), check=False)
    assert fraud_in(fold) == 0
    mine = event(1)
    if others % 400:
        assert fold.admit(mine, LAYOUT.pack(mine)) is not None
    else:
        fold.extend(LAYOUT.pack_all([event(3), mine, event(4)]))
    assert fraud_in(fold) == 1
    assert fraud_in(folded(others, label(1), event(2), event(1))) == 1


@SIZES
def test_the_same_label_counts_once(others: int) -> None:
    twice = [label(1), label(1), label(1, restored=True)]
    fold = folded(others, event(1), *twice, label(1, 2, fraud=False), *twice)
    assert fraud_in(fold) == 0
    assert fold.labels is not None
    assert len(fold.labels.of[1].labels) == 2
    assert fraud_in(folded(others, event(1), *twice)) == 1


@SIZES
def test_a_withdrawn_event_does_not_count_and_comes_back_with_its_label(others: int) -> None:
    fold = folded(others, event(1), label(1), event(1, kind=WITHDRAWAL))
    assert fraud_in(fold) == 0
    fold.add(event(1))
    assert fraud_in(fold) == 1


@SIZES
def test_a_corrected_event_counts_as_what_it_was_corrected_to(others: int) -> None:
    fold = folded(others, event(1, risky=True), label(1), event(1, 3 * HOUR_MS, kind=CORRECTION))
    assert fold.read(CURRENT)[1:] == [1, 1 / (others + 1), True, 0]
    fold.add(event(1, 30 * HOUR_MS, kind=CORRECTION))
    assert fraud_in(fold) == 0


def test_the_share_of_an_empty_window_is_0() -> None:
    for fold in (Fold(PLAN), folded(0, event(1, 5), label(1)), folded(500, event(1, 5), label(1))):
        assert fold.read(CURRENT._replace(time=NOW + 3 * DAY_MS)) == [0, 0, 0.0, False, 0]
    assert isinstance(Fold(PLAN).read(CURRENT)[2], float)


@pytest.mark.parametrize("together", [False, True])
def test_a_small_log_with_labels_stays_a_table(together: bool) -> None:
    events = [event(at + 1, 3 * HOUR_MS - at * 60_000) for at in range(100)]
    labels = [label(each.transaction, number) for each in events for number in (1, 2)]
    log = [label(101, ago=4 * HOUR_MS), *events, *labels, event(101)]
    fold = Fold(PLAN)
    if together:
        fold.extend(LAYOUT.pack_all(log[:150]))
        fold.extend(LAYOUT.pack_all(log[150:]))
    else:
        for record in log:
            fold.add(record)
    assert fold.table is not None
    assert fold.taken == len(log)
    assert fraud_in(fold) == 101
    fold.forget_before(NOW - 2 * HOUR_MS)
    assert (fold.table is not None, fold.taken) == (True, len(log))
    assert fold.read(CURRENT)[:2] == [41, 41]
    fold.extend(LAYOUT.pack_all([event(1_000 + at) for at in range(80)]))
    assert (fold.table is not None, fraud_in(fold)) == (True, 41)
    fold.extend(LAYOUT.pack_all([event(2_000 + at) for at in range(80)]))
    assert (fold.table is not None, fraud_in(fold)) == (False, 41)


def test_very_many_labels_of_few_events_are_taken_in_steps() -> None:
    log = [event(1), *(label(at + 1) for at in range(3_000))]
    fold = Fold(PLAN)
    assert sum(1 for _ in fold.extend_in_steps(LAYOUT.pack_all(log))) > 3_000 / 50
    assert fraud_in(fold) == 1


def test_events_with_labels_are_put_into_streams_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beside labels of a transaction that was withdrawn."""
    fold = folded(300, event(1), label(1), event(1, kind=WITHDRAWAL))
    pairs = [(event(at), label(at)) for at in range(100, 200)]
    apply = Mock(wraps=fold.streams.apply)
    monkeypatch.setattr(Streams, "apply", lambda _, *given: apply(*given))
    fold.extend(LAYOUT.pack_all([label(1, 2), *chain(*pairs)]))
    assert apply.call_count == 101
    assert fraud_in(fold) == 100


def test_labels_are_passed_over_by_what_does_not_count_them() -> None:
    plan = plan_kinds([COUNT], BUILT_IN)["user_id"]
    reading = plan_reading(PLAN, plan)
    assert (plan.labelled, reading.labelled) == (False, True)
    for each in (plan, reading):
        for others in (0, 300):
            fold = Fold(each)
            fold.extend(LAYOUT.pack_all([event(1), *(event(100 + at) for at in range(others)), label(1), event(2)]))
            fold.add(label(2))
            assert fold.read(CURRENT) == [others + 2]
            assert (fold.table is None) == (others > folds.LARGEST_TABLE)


@SIZES
def test_labels_of_events_out_of_reach_are_forgotten(others: int) -> None:
    fold = folded(others, event(1, 10 * HOUR_MS), event(2), label(1), label(2), label(3, ago=5 * HOUR_MS), label(4))
    assert fold.labels is not None
    fold.forget_before(NOW - 4 * HOUR_MS)
    assert set(fold.labels.of) == {2, 4}
    assert fraud_in(fold) == 1
    while fold.forget_before(NOW + 1):
        pass
    assert not fold.labels.of
    assert not fold.rows.packed
    assert fraud_in(fold) == 0


@SIZES
def test_an_attempt_reads_again_what_it_read_whatever_labels_came_since(others: int) -> None:
    dice, fold = random.Random(others), folded(others, label(3), label(2, fraud=False))
    read: dict[int, list[object]] = {}
    for number in range(1, 120):
        record = event(number, dice.randrange(4) * HOUR_MS)
        values = fold.admit(record, LAYOUT.pack(record))
        assert values is not None
        read[number] = values
        if dice.random() < 0.4:
            fold.add(label(dice.randrange(1, 130), number, fraud=dice.random() < 0.6, ago=dice.randrange(3 * HOUR_MS)))
    now = fold.read(CURRENT)
    for number, values in read.items():
        found = fold.first(number)
        assert found is not None
        assert fold.read_as_of(*found) == values
    assert fold.read(CURRENT) == now


def test_what_came_since_the_last_label_is_undone_without_folding_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A labelled transaction among it, whose label waited."""
    monkeypatch.setattr(Fold, "_anew", lambda *_: pytest.fail("the log is folded anew"))
    fold = folded(2_000, event(1), label(1), label(2), label(3), event(9, 0))
    before = fold.read(CURRENT)
    fold.extend(LAYOUT.pack_all([event(2), event(3), event(4)]))
    fold.add(event(1, kind=WITHDRAWAL))
    after = fold.read(CURRENT)
    assert (before[1], after[1]) == (1, 2)
    found = fold.first(9)
    assert found is not None
    assert fold.read_as_of(*found)[1] == 1
    third = fold.first(3)
    assert third is not None
    assert fold.read_as_of(third[0]._replace(time=NOW), third[1])[1] == 2
    assert fold.read(CURRENT) == after


def test_a_record_of_a_label_has_its_parts_and_no_columns() -> None:
    layout = RecordLayout(
        plan_kinds([FRAUD, replace(COUNT, name="s", aggregate=Aggregate.SUM, field="amount")], BUILT_IN)["user_id"]
    )
    packed = layout.label(NOW, 2**64 - 1, 2**16 - 1, fraud=True, restored=True)
    assert layout.unpack(packed) == LogRecord(NOW, 2**64 - 1, (0,), (), 0, 0, 1, LABEL, 2**16 - 1, True)
    assert layout.pack(layout.unpack(packed)) == packed
    assert layout.unpack(layout.label(NOW, 1, 2, fraud=False)) == LogRecord(NOW, 1, (0,), (), 0, 0, 0, LABEL, 2, False)
