from __future__ import annotations

from gateway.calls.cache.store import OVERHEAD_BYTES, AnswerStore, CachedAnswer, Key


def key(number: int, tenant: str = "t") -> Key:
    return tenant, "/x.Y/Z", b"%04d" % number


def answer(size: int = 100, expires_at: float = 10.0) -> CachedAnswer:
    return CachedAnswer(b"x" * size, 0.0, expires_at, 0)


def test_answer_is_there_until_it_expires() -> None:
    store = AnswerStore(1 << 20)
    store.put(key(1), answer())
    assert store.get(key(1), 9.9) is not None
    assert store.get(key(1), 10.0) is None
    assert (len(store), store.size) == (0, 0)


def test_tenants_methods_and_requests_are_kept_apart() -> None:
    store = AnswerStore(1 << 20)
    store.put(("a", "/x.Y/Z", b"1"), answer())
    assert store.get(("b", "/x.Y/Z", b"1"), 0.0) is None
    assert store.get(("a", "/x.Y/W", b"1"), 0.0) is None
    assert store.get(("a", "/x.Y/Z", b"2"), 0.0) is None


def test_bytes_are_bounded_and_the_least_recently_used_goes_first() -> None:
    room = 100
    each = OVERHEAD_BYTES + 5 + 100
    store = AnswerStore(room * each)
    for number in range(room):
        store.put(key(number), answer())
    assert store.get(key(0), 0.0) is not None
    store.put(key(room), answer())
    assert store.get(key(0), 0.0) is not None, "used a moment ago"
    assert store.get(key(1), 0.0) is None
    for number in range(10_000):
        store.put(key(number), answer(size=number % 300))
        assert store.size <= room * each
    assert store.size == sum(len(each.data) + OVERHEAD_BYTES + 5 for each in store._answers.values())


def test_entries_are_bounded() -> None:
    store = AnswerStore(1 << 30, max_entries=3)
    for number in range(10):
        store.put(key(number), answer())
    assert len(store) == 3


def test_storing_again_replaces_and_counts_once() -> None:
    store = AnswerStore(1 << 20)
    for size in (500, 100):
        store.put(key(1), answer(size))
    assert store.size == OVERHEAD_BYTES + 5 + 100


def test_answer_that_would_push_out_everything_else_is_not_stored() -> None:
    store = AnswerStore(16_000)
    store.put(key(1), answer(100))
    store.put(key(2), answer(2000))
    assert store.get(key(1), 0.0) is not None
    assert store.get(key(2), 0.0) is None
