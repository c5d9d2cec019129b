"""Labels say in folds what a scan of a plain list says, whatever comes in whatever order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import product

import pytest

from services.fraud.domain.declared.feature import Aggregate, Boundary, Feature
from services.fraud.domain.declared.records import CORRECTION, EVENT, LABEL, WITHDRAWAL, LogRecord, RecordLayout
from services.fraud.domain.logs import fold as folds
from services.fraud.domain.logs import sealed, stream, streams, transactions
from services.fraud.domain.logs.fold import Fold
from tests.support.brute_force import BruteForce
from tests.support.log_streams import DAY_MS, plan_of

BEFORE_ALL = 2**40
HOUR_MS = 3_600_000
LATE_MS = 5 * DAY_MS
COUNTED = (Aggregate.COUNT, Aggregate.COUNT_FRAUD, Aggregate.SHARE_FRAUD, Aggregate.KNOWN_FRAUD)
FEATURES = [
    Feature(
        name=f"f_{aggregate.value}_{window}_{delay}_{number}",
        event_type="payment",
        counts=("payment", "refund") if number % 2 else (),
        key=("user_id",),
        aggregate=aggregate,
        window_ms=window,
        delay_ms=delay,
        boundary=Boundary.FROM_START if number % 3 else Boundary.AFTER_START,
        where="risky" if number >= 2 else "",
    )
    for aggregate, window, (delay, number) in product(
        COUNTED, (60_000, DAY_MS, 30 * DAY_MS), ((0, 0), (0, 1), (HOUR_MS, 2), (7 * DAY_MS, 3))
    )
]
PLAN = plan_of(FEATURES)
LAYOUT = RecordLayout(PLAN)


class LabelledLog:
    """Events of two types, and labels of them: before and after, at once and weeks later, corrected and told again."""

    def __init__(self, dice: random.Random, pace: int, *, alike: bool = False, steady: bool = False) -> None:
        """`alike` events belong in a table; of a `steady` log none is labelled before it happens or is very late."""
        self.now = 1_700_000_000_000
        self._dice, self._pace, self._alike, self.steady = dice, pace, alike, steady
        self._events: list[LogRecord] = []
        self._labels: dict[int, list[LogRecord]] = {}
        self._awaited: list[LogRecord] = []

    def records(self, length: int) -> Iterator[LogRecord]:
        for _ in range(length):
            self.now += self._dice.choice((0, self._dice.randint(0, 2 * self._pace)))
            yield self._label() if self._events and self._dice.random() < 0.4 else self._event()

    def current(self) -> LogRecord:
        late = self._dice.choice((0, 0, 1, self._dice.randint(0, LATE_MS)))
        return LogRecord(self.now - late, self._dice.getrandbits(64), (), ())

    def _event(self) -> LogRecord:
        dice, record = self._dice, self.current()
        recent = self._events[-50:]
        if self.steady:
            recent = [each for each in recent if each.time >= self.now - LATE_MS]
            self._awaited = [each for each in self._awaited if each.time >= self.now - LATE_MS + HOUR_MS]
        if self._awaited and dice.random() < 0.3:
            label = self._awaited.pop(dice.randrange(len(self._awaited)))
            time = label.time - dice.randrange(HOUR_MS) if self.steady else record.time
            record = record._replace(transaction=label.transaction, time=time)
        elif not self._alike and recent and dice.random() < 0.25:
            other = dice.choice(recent)
            kind = dice.choice((WITHDRAWAL, WITHDRAWAL, CORRECTION, EVENT))
            time = other.time if self.steady else record.time
            record = record._replace(transaction=other.transaction, time=time, kind=kind)
        if not self._alike:
            record = record._replace(type=dice.randrange(2), filters=dice.randrange(2), attempt=dice.randrange(2))
            record = record._replace(restored=dice.random() < 0.1)
        self._events.append(record)
        return record

    def _label(self) -> LogRecord:
        dice, restored = self._dice, self._dice.random() < 0.2
        chance, known = dice.random(), list(self._labels.values())
        if known and chance < 0.1:
            return dice.choice(dice.choice(known))._replace(restored=restored)
        transaction = dice.choice(self._events[-dice.choice((5, 200, 10_000)) :]).transaction
        if known and chance < 0.4:
            transaction = dice.choice(known)[0].transaction
        elif chance > 0.9:
            transaction = dice.getrandbits(64)
        told = self._labels.setdefault(transaction, [])
        time = self.now + dice.choice((0, 0, 1, dice.randint(0, HOUR_MS), -dice.randint(0, 50 * self._pace)))
        time = max(time, self.now) if self.steady else time
        fraud = dice.random() < 0.6
        label = LAYOUT.unpack(LAYOUT.label(time, transaction, len(told) + 1, fraud=fraud, restored=restored))
        told.append(label)
        if chance > 0.9:
            self._awaited.append(label)
        return label


def _compare(fold: Fold, twin: BruteForce, log: LabelledLog, records: Sequence[LogRecord]) -> None:
    """Adds records to both, one by one or together, and compares what new events and retries read."""
    dice = random.Random(len(records))
    at = 0
    while at < len(records):
        part = records[at : at + dice.choice((1, 1, 2, 7, 40, 300))]
        at += len(part)
        twin.records += part
        if len(part) == 1 and dice.random() < 0.5:
            fold.add(part[0])
        else:
            fold.extend(LAYOUT.pack_all(part))
        assert fold.taken == len(twin.records)
        if dice.random() < 20 / len(records) * len(part):
            time = max(part[-1].time, log.now - LATE_MS) if log.steady else part[-1].time
            current = LogRecord(time + dice.choice((0, 1, 5)), 1, (), ())
            assert fold.read(current) == twin.read(current)
    for _ in range(3):
        found = fold.first(dice.choice(records).transaction)
        if found is not None and (found[0].time >= log.now - LATE_MS or not log.steady):
            first, arrival = found
            current = first._replace(type=0)
            wanted = twin.read(current, arrival + BEFORE_ALL if arrival < 0 else arrival)
            assert fold.read_as_of(current, arrival) == wanted
    current = log.current()
    assert fold.read(current) == twin.read(current)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of four, so that short logs are large ones."""
    for module, name, value in (
        (sealed, "LARGEST_BLOCK", 8),
        (stream, "SEALED", 4),
        (stream, "LONGEST_TAIL", 6),
        (transactions, "SEARCHED", 10),
        (transactions, "BUCKET", 8 * transactions.ENTRY),
        (streams, "FEW", 3),
        (folds, "CHUNK", 24),
        (folds, "LARGEST_TABLE", 2),
        (folds, "MOST_RECORDS", 4),
        (folds, "UNDONE", 20),
    ):
        monkeypatch.setattr(module, name, value)


@pytest.mark.parametrize("length", [5, 60, 300])
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.usefixtures("small_blocks")
def test_values_agree_in_many_blocks(seed: int, length: int) -> None:
    _agree(seed, length)


@pytest.mark.parametrize("length", [20, 90, 180, 700])
@pytest.mark.parametrize("seed", range(100, 115))
def test_values_agree_in_a_table_and_after_it_was_divided(seed: int, length: int) -> None:
    assert (_agree(seed, length, alike=True).table is None) == (length > 180)


@pytest.mark.parametrize("seed", range(200, 206))
def test_values_agree_in_a_long_log(seed: int) -> None:
    fold = _agree(seed, 4_000)
    assert sum(bool(each.blocks.blocks) for each in fold.streams) > 1


def _agree(seed: int, length: int, *, alike: bool = False) -> Fold:
    dice, fold, twin = random.Random(seed), Fold(PLAN), BruteForce(PLAN)
    log = LabelledLog(dice, dice.choice((2, 60_000, 30 * DAY_MS // length)), alike=alike)
    _compare(fold, twin, log, list(log.records(length)))
    return fold


@pytest.mark.parametrize("seed", range(300, 304))
@pytest.mark.usefixtures("small_blocks")
def test_what_is_out_of_reach_may_be_forgotten(seed: int) -> None:
    """Events and labels read as if nothing had been forgotten, also those that come late or again."""
    dice, fold, twin = random.Random(seed), Fold(PLAN), BruteForce(PLAN)
    log = LabelledLog(dice, DAY_MS // 4, steady=True)
    for _ in range(30):
        _compare(fold, twin, log, list(log.records(40)))
        fold.forget_before(log.now - PLAN.retention_ms - LATE_MS)
    assert fold.labels is not None
    assert fold.rows.base > 200
    labelled = len({each.transaction for each in twin.records if each.kind == LABEL})
    assert len(fold.labels.of) < labelled / 2
