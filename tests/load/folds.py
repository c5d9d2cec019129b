"""`python -m tests.load.folds`: measures folds alone, in CPU time of this process."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from statistics import median
from time import process_time

from services.fraud.domain.declared.feature import Aggregate, Feature
from services.fraud.domain.declared.plan import KindPlan, plan_kinds
from services.fraud.domain.declared.records import LogRecord, RecordLayout, currency_number
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.logs.fold import Fold

__all__ = ["engine_features"]

HOUR, DAY = 3_600_000, 86_400_000
WINDOWS = (HOUR, DAY, 7 * DAY, 30 * DAY)
KINDS = ("user_id", "device_fingerprint", "ip_address", "merchant_id", "card_fingerprint")
DOLLARS = currency_number("USD")
NOW = 1_700_000_000_000
LENGTHS = (5, 60, 5_000, 100_000, 1_000_000)


def engine_features() -> list[Feature]:
    """38 features over 5 kinds of key: count, sum and a distinct of each window, and two more of the user."""
    features = []
    for kind in KINDS:
        other = "device_fingerprint" if kind == "user_id" else "user_id"
        for window in WINDOWS:
            features.append(_feature(kind, Aggregate.COUNT, "", window))
        for window in WINDOWS[1:3]:
            features.append(_feature(kind, Aggregate.SUM, "amount", window))
        features.append(_feature(kind, Aggregate.DISTINCT, other, DAY))
    features.append(_feature("user_id", Aggregate.MEAN, "amount", 30 * DAY))
    features.append(_feature("user_id", Aggregate.IS_NEW, "device_fingerprint", 30 * DAY))
    return [*features, _feature("user_id", Aggregate.MAX, "amount", 30 * DAY)]


def _feature(kind: str, aggregate: Aggregate, field: str, window: int) -> Feature:
    name = f"{kind}_{aggregate.value}_{window}"
    return Feature(name=name, event_type="payment", key=(kind,), aggregate=aggregate, field=field, window_ms=window)


def _log(plan: KindPlan, length: int, dice: random.Random, counterparts: int) -> list[LogRecord]:
    """Records in order, evenly over 30 days before NOW."""
    start, step = NOW - 30 * DAY, 30 * DAY // length
    return [_record(plan, start + at * step, dice, counterparts) for at in range(length)]


def _record(plan: KindPlan, time: int, dice: random.Random, counterparts: int) -> LogRecord:
    hashes = tuple(dice.randint(1, counterparts) * 0x9E3779B97F4A7C15 % 2**64 for _ in plan.counterparts)
    return LogRecord(time, dice.getrandbits(64), (dice.randint(100, 90_000),), hashes, 0, DOLLARS)


def _microseconds(action: Callable[[LogRecord], object], records: Sequence[LogRecord]) -> float:
    started = process_time()
    for record in records:
        action(record)
    return (process_time() - started) / len(records) * 1e6


def measure_length(plan: KindPlan, length: int, dice: random.Random) -> None:
    counterparts = max(length // 50, 20)
    data = RecordLayout(plan).pack_all(_log(plan, length, dice, counterparts))
    times = max(1, min(300, 60_000 // length))
    rounds = []
    for _ in range(times):
        started = process_time()
        fold = Fold(plan)
        fold.extend(data)
        rounds.append(process_time() - started)
    built = f"{median(rounds) * 1e6:,.0f} us (least {min(rounds) * 1e6:,.0f})"
    steps, longest, stepped = iter(Fold(plan).extend_in_steps(data)), 0.0, 0
    while True:
        began = process_time()
        if next(steps, steps) is steps:
            break
        stepped, longest = stepped + 1, max(longest, process_time() - began)
    size = fold.size_bytes()
    fresh = [_record(plan, NOW + at * 100, dice, counterparts) for at in range(min(1_000, max(20, length // 5)))]
    fold.read(fresh[0])
    read = _microseconds(fold.read, fresh)
    add = _microseconds(fold.add, fresh)
    late = [_record(plan, NOW - dice.randrange(20 * DAY), dice, counterparts) for _ in fresh[:200]]
    late_add = _microseconds(fold.add, late)
    late_read = _microseconds(fold.read, late)
    print(
        f"{length:>9,} records: built in {built} in {stepped} steps up to {longest * 1e3:.1f} ms, "
        f"{size / length:>5.0f} B a record ({size:,}), add {add:5.1f} us, read {read:5.1f} us; "
        f"late: add {late_add:6.1f} us, read {late_read:7.1f} us"
    )


def measure_checks(keys: int, each: int, checks: int, dice: random.Random) -> None:
    """One read and one add of each kind a check, over keys that are warm."""
    plans = list(plan_kinds(engine_features(), BUILT_IN).values())
    folds = []
    for plan in plans:
        folds.append([Fold(plan) for _ in range(keys)])
        for fold in folds[-1]:
            fold.extend(RecordLayout(plan).pack_all(_log(plan, each, dice, 20)))
    load = []
    for at in range(checks):
        picked = [own[dice.randrange(keys)] for own in folds]
        records = [_record(plan, NOW + at * 50, dice, 20) for plan in plans]
        load.append(list(zip(picked, records, strict=True)))
    rounds = []
    for part in range(0, checks, 500):
        started = process_time()
        for check in load[part : part + 500]:
            for fold, record in check:
                fold.read(record)
                fold.add(record)
        rounds.append((process_time() - started) / 500 * 1e6)
    features = sum(len(plan.features) for plan in plans)
    print(
        f"a check of {len(plans)} kinds and {features} features, {keys} keys a kind with {each} records: "
        f"{median(rounds):.1f} us (least {min(rounds):.1f}, most {max(rounds):.1f})"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--longest", type=int, default=LENGTHS[-1], help="records of the longest log")
    arguments = parser.parse_args()
    dice = random.Random(1)
    measure_checks(keys=50, each=60, checks=5_000, dice=dice)
    measure_checks(keys=1_000, each=60, checks=5_000, dice=dice)
    plan = plan_kinds(engine_features(), BUILT_IN)["user_id"]
    print(f"the user's {len(plan.features)} features, records of {RecordLayout(plan).size} bytes:")
    for length in LENGTHS:
        if length <= arguments.longest:
            measure_length(plan, length, dice)
    return 0


if __name__ == "__main__":
    sys.exit(main())
