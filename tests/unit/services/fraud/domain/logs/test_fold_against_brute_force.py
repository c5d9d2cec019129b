"""Folds say what a scan of a plain list says, whatever comes in whatever order."""

from __future__ import annotations

import math
import os
import random
from bisect import bisect_left

import pytest

from services.fraud.domain.declared.feature import Aggregate, Boundary, Feature
from services.fraud.domain.declared.records import LABEL, LogRecord, RecordLayout, currency_number
from services.fraud.domain.logs import fold as folds
from services.fraud.domain.logs import peaks, recency, sealed, stream, streams, transactions
from services.fraud.domain.logs.fold import Fold
from tests.support.brute_force import BruteForce
from tests.support.log_streams import DAY_MS, alike_log, every_feature, plan_of, random_log, random_record

PLAN = plan_of(every_feature())
BEFORE_ALL = 2**40
LARGE_SEEDS = range(20)
SMALL_SEEDS = range(100, 135)
ALIKE_SEEDS = range(200, 216)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of four, so that short logs are large ones."""
    for module, name, value in (
        (recency, "LARGEST_PART", 3),
        (sealed, "LARGEST_BLOCK", 8),
        (peaks, "RUN", 2),
        (recency, "FEW_PARTS", 2),
        (sealed, "OPENED", 2),
        (stream, "LINKED", 3),
        (stream, "SEALED", 4),
        (stream, "LONGEST_TAIL", 6),
        (transactions, "SEARCHED", 10),
        (transactions, "BUCKET", 8 * transactions.ENTRY),
        (streams, "FEW", 3),
        (folds, "CHUNK", 24),
        (folds, "LARGEST_TABLE", 2),
        (folds, "UNDONE", 20),
    ):
        monkeypatch.setattr(module, name, value)


@pytest.mark.parametrize("seed", LARGE_SEEDS)
def test_values_agree_in_one_block(seed: int) -> None:
    assert _compare(seed) > 1_000


@pytest.mark.parametrize("seed", SMALL_SEEDS)
@pytest.mark.usefixtures("small_blocks")
def test_values_agree_in_many_blocks(seed: int) -> None:
    assert _compare(seed) > 1_000


@pytest.mark.parametrize("strangers", [0.0, 0.01, 0.04])
@pytest.mark.parametrize("seed", ALIKE_SEEDS)
def test_values_agree_in_a_table_and_after_it_was_divided(seed: int, strangers: float) -> None:
    dice = random.Random(seed)
    log = list(alike_log(PLAN, dice, dice.choice((1, 5, 60, 120, 140)), strangers=strangers))
    assert _compare(seed, log) > 1_000
    fold = Fold(PLAN)
    fold.extend(RecordLayout(PLAN).pack_all(log))
    current = random_record(PLAN, dice, max(each.time for each in log))._replace(type=0)
    _same(fold.read(current), BruteForce(PLAN, log).read(current))
    if not strangers:
        assert (fold.table is not None) == (sum(each.kind != LABEL for each in log) <= folds.LARGEST_TABLE)


def _compare(seed: int, given: list[LogRecord] | None = None) -> int:
    """Adds a random log to both, and compares what new events and retries read. Returns the number of values."""
    dice = random.Random(seed)
    fold, twin, compared = Fold(PLAN), BruteForce(PLAN), 0
    log = given or list(random_log(PLAN, dice, dice.choice((5, 60, 300))))
    bulk = dice.randrange(len(log)) if seed % 2 else 0
    fold.extend(RecordLayout(PLAN).pack_all(log[:bulk]))
    twin.records += log[:bulk]
    looks = {dice.randrange(bulk, len(log)) for _ in range(4)}
    for at, record in enumerate(log[bulk:], start=bulk):
        if at in looks:
            current = random_record(PLAN, dice, record.time - dice.choice((0, 0, 0, 5, 1_000_000)))._replace(type=0)
            compared += _same(fold.read(current), twin.read(current))
        fold.add(record)
        twin.records.append(record)
        assert fold.holds(record.transaction) == twin.holds(record.transaction)
    for _ in range(3):
        found = fold.first(dice.choice(log).transaction)
        if found is not None:
            first, arrival = found
            number = arrival + BEFORE_ALL if arrival < 0 else arrival
            assert log[number] == first
            current = first._replace(type=0)
            compared += _same(fold.read_as_of(current, arrival), twin.read(current, number))
    last = random_record(PLAN, dice, log[-1].time)._replace(type=0)
    return compared + _same(fold.read(last), twin.read(last))


def _same(folded: list[object], scanned: list[object]) -> int:
    for feature, value, expected in zip(PLAN.features, folded, scanned, strict=True):
        if isinstance(expected, float):
            assert isinstance(value, float) and math.isclose(value, expected, rel_tol=1e-12, abs_tol=1e-12), feature
        else:
            assert (value, type(value)) == (expected, type(expected)), feature
    return len(folded)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.usefixtures("small_blocks")
def test_what_is_out_of_reach_may_be_forgotten(seed: int) -> None:
    """Events late by less than what is kept read and are read as if nothing had been forgotten."""
    dice = random.Random(seed)
    fold, twin, now = Fold(PLAN), BruteForce(PLAN), 1_700_000_000_000
    kept = PLAN.retention_ms + 20 * DAY_MS
    for _ in range(250):
        now += dice.randint(0, DAY_MS)
        late = dice.choice((0, 0, 1_000, dice.randint(0, 20 * DAY_MS)))
        record = random_record(PLAN, dice, now - late)
        fold.add(record)
        twin.records.append(record)
        if dice.random() < 0.1:
            fold.forget_before(now - kept)
        if dice.random() < 0.03:
            _same(fold.read(record._replace(type=0)), twin.read(record._replace(type=0)))
    assert fold.taken == 250
    assert fold.rows.base > 50
    fold.forget_before(now + 1)
    assert fold.rows.base == 250


HOT = int(os.environ.get("RAMPART_HOT_RECORDS", "200000"))
"""1,000,000 take half a minute."""
HOT_WINDOWS = (3_600_000, 7 * DAY_MS, 30 * DAY_MS)
HOT_AGGREGATES = {
    Aggregate.COUNT: "",
    Aggregate.SUM: "amount",
    Aggregate.MIN: "amount",
    Aggregate.MAX: "amount",
    Aggregate.STDDEV: "amount",
    Aggregate.DISTINCT: "device_fingerprint",
    Aggregate.LAST_SEEN: "",
    Aggregate.IS_NEW: "device_fingerprint",
}


def test_a_hot_log_of_many_records_reads_right() -> None:
    features = [
        Feature(
            name=f"{aggregate.value}_{window}_{delay}",
            event_type="payment",
            key=("user_id",),
            aggregate=aggregate,
            field=field,
            window_ms=window,
            delay_ms=delay,
            boundary=Boundary.FROM_START if delay else Boundary.AFTER_START,
        )
        for aggregate, field in HOT_AGGREGATES.items()
        for window in HOT_WINDOWS
        for delay in (0, 2 * DAY_MS)
    ]
    plan, dice, start = plan_of(features), random.Random(7), 1_700_000_000_000
    step = 31 * DAY_MS // HOT
    times = [start + at * step + at % 3 for at in range(HOT)]
    amounts = [dice.randrange(1, 10**7) for _ in range(HOT)]
    devices = [dice.randrange(1, 30_000) for _ in range(HOT)]
    fold, layout, dollars = Fold(plan), RecordLayout(plan), currency_number("USD")
    for begin in range(0, HOT, 50_000):
        part = range(begin, begin + 50_000)
        fold.extend(
            layout.pack_all([LogRecord(times[at], at + 1, (amounts[at],), (devices[at],), 0, dollars) for at in part])
        )
    for now in (times[-1] + 1, times[HOT // 2]):
        current = LogRecord(now, 2**63 + 1, (1,), (dice.randrange(1, 31_000),), 0, dollars)
        expected = [_hot(feature, current, times, amounts, devices) for feature in features]
        for feature, value, wanted in zip(features, fold.read(current), expected, strict=True):
            assert value == pytest.approx(wanted, rel=1e-12) if isinstance(wanted, float) else value == wanted, feature


def _hot(feature: Feature, now: LogRecord, times: list[int], amounts: list[int], devices: list[int]) -> object:
    end = now.time - feature.delay_ms
    if feature.boundary is Boundary.AFTER_START:
        first, last = bisect_left(times, end - feature.window_ms + 1), bisect_left(times, end + 1)
    else:
        first, last = bisect_left(times, end - feature.window_ms), bisect_left(times, end)
    inside = amounts[first:last]
    match feature.aggregate:
        case Aggregate.COUNT:
            return last - first
        case Aggregate.SUM:
            return sum(inside)
        case Aggregate.MIN:
            return min(inside, default=None)
        case Aggregate.MAX:
            return max(inside, default=None)
        case Aggregate.STDDEV:
            square = len(inside) * sum(each * each for each in inside) - sum(inside) ** 2
            return math.sqrt(square) / len(inside) if inside else None
        case Aggregate.DISTINCT:
            return len(set(devices[first:last]))
        case Aggregate.LAST_SEEN:
            return (now.time - times[last - 1]) / 1000 if last > first else None
        case _:
            return now.counterparts[0] not in devices[first:last]
