"""What is kept of folds stays within its bounds, and what was used last stays longest."""

from __future__ import annotations

from services.fraud.domain.declared.plan import plan_kinds
from services.fraud.domain.declared.records import LogRecord
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.logs.fold import LARGEST_TABLE, Fold
from services.fraud.ports import LogKey, LogPart, LogStream
from services.fraud.service.logs.fold_cache import RESIZE_RECORDS, CachedFold, FoldCache
from tests.support.features import counting

PLAN = plan_kinds([counting("payments")], BUILT_IN)["user_id"]
OTHER_PLAN = plan_kinds([counting("payments", window_ms=1_000)], BUILT_IN)["user_id"]
DIVIDED = LARGEST_TABLE + 40
MUCH = 1 << 30


def _key(name: str) -> LogKey:
    return LogKey(LogStream("t", "s"), name)


def _cached(count: int, transactions: int = 0) -> CachedFold:
    cached = CachedFold(Fold(PLAN), LogPart(0, 0, b""), 0.0)
    _grow(cached, count, transactions)
    return cached


def _grow(cached: CachedFold, count: int, transactions: int = 0) -> None:
    before = cached.reached
    for at in range(before, before + count):
        cached.fold.add(LogRecord(1_000 + at, transactions + at, (), ()))
    cached.part = LogPart(0, before + count, b"")


def _there(cache: FoldCache, *names: str) -> set[str]:
    return {name for name in names if cache.get(_key(name), PLAN) is not None}


def test_of_small_logs_only_so_many_are_kept_and_large_ones_stay() -> None:
    cache = FoldCache(MUCH, tables=2)
    cache.keep(_key("large"), _cached(DIVIDED))
    for name in ("a", "b", "c"):
        cache.keep(_key(name), _cached(3))
    assert _there(cache, "a", "b", "c", "large") == {"b", "c", "large"}
    assert _there(cache, "b") == {"b"}
    cache.keep(_key("d"), _cached(3))
    assert _there(cache, "b", "c", "d", "large") == {"b", "d", "large"}, "what was used last stays"


def test_bytes_are_bounded_and_large_logs_go_first() -> None:
    size = _cached(DIVIDED).fold.size_bytes()
    cache = FoldCache(2 * size + size // 2)
    for name in ("a", "b", "c"):
        cache.keep(_key(name), _cached(DIVIDED))
        cache.keep(_key(f"small {name}"), _cached(3))
    assert _there(cache, "a", "b", "c") == {"b", "c"}
    assert _there(cache, "small a", "small b", "small c") == {"small a", "small b", "small c"}


def test_a_fold_larger_than_all_there_is_room_for_is_the_only_one_that_stays() -> None:
    cache = FoldCache(10)
    for name in ("a", "b"):
        cache.keep(_key(name), _cached(DIVIDED))
    assert _there(cache, "a", "b") == {"b"}


def test_a_small_log_that_has_become_large_is_kept_once_and_counted_as_large() -> None:
    cache = FoldCache(MUCH, tables=1)
    grown = _cached(3)
    cache.keep(_key("grown"), grown)
    _grow(grown, DIVIDED + RESIZE_RECORDS)
    cache.keep(_key("grown"), grown)
    cache.keep(_key("small"), _cached(3))
    assert _there(cache, "grown", "small") == {"grown", "small"}
    cache.drop(_key("grown"))
    assert _there(cache, "grown") == set() and not grown.kept


def test_what_replaces_a_fold_takes_its_place_and_its_bytes() -> None:
    cache = FoldCache(3 * _cached(3).fold.size_bytes())
    for start in range(0, 50, 10):
        cache.keep(_key("a"), _cached(3, start))
    cache.keep(_key("b"), _cached(3))
    assert _there(cache, "a", "b") == {"a", "b"}


def test_a_fold_is_not_read_by_another_plan() -> None:
    cache = FoldCache(MUCH)
    cache.keep(_key("a"), _cached(3))
    assert cache.get(_key("a"), OTHER_PLAN) is None
