from __future__ import annotations

import pytest

from gateway.ratelimit import MemoryRateLimiter


def test_burst_of_one_second_is_allowed_and_no_more() -> None:
    limiter = MemoryRateLimiter()
    verdicts = [limiter.take("c", 20, 1, now=100.0) for _ in range(25)]
    assert [v.allowed for v in verdicts] == [True] * 20 + [False] * 5
    assert [v.remaining for v in verdicts[:20]] == list(range(19, -1, -1))
    assert {v.limit for v in verdicts} == {20}
    assert verdicts[-1].remaining == 0
    assert verdicts[-1].retry_after == pytest.approx(0.05)
    assert verdicts[19].reset_after == pytest.approx(1.0)


@pytest.mark.parametrize("rate", [1, 3, 20, 50_000])
def test_long_run_rate_is_the_limit_whatever_is_asked(rate: int) -> None:
    limiter = MemoryRateLimiter()
    seconds, asked = 10, rate * 3
    allowed = sum(
        limiter.take("c", rate, 1, now=second + step / asked).allowed
        for second in range(seconds)
        for step in range(asked)
    )
    assert rate * seconds <= allowed <= rate * (seconds + 1)


def test_refused_call_is_allowed_after_retry_after_and_not_before() -> None:
    limiter = MemoryRateLimiter()
    for _ in range(10):
        limiter.take("c", 10, 1, now=0.0)
    wait = limiter.take("c", 10, 1, now=0.0).retry_after
    assert not limiter.take("c", 10, 1, now=wait - 0.001).allowed
    assert limiter.take("c", 10, 1, now=wait).allowed


def test_refused_calls_cost_nothing() -> None:
    limiter = MemoryRateLimiter()
    for _ in range(1000):
        limiter.take("c", 10, 1, now=0.0)
    assert limiter.take("c", 10, 1, now=0.1).allowed


def test_cost_is_charged_and_never_more_than_the_burst() -> None:
    limiter = MemoryRateLimiter()
    assert limiter.take("c", 20, 10, now=0.0).remaining == 10
    assert limiter.take("c", 20, 10, now=0.0).allowed
    assert not limiter.take("c", 20, 10, now=0.4).allowed
    assert limiter.take("small", 5, 10, now=0.0).allowed
    assert not limiter.take("small", 5, 10, now=0.9).allowed
    assert limiter.take("small", 5, 10, now=1.0).allowed


def test_rate_below_one_in_a_second_still_allows_one() -> None:
    limiter = MemoryRateLimiter()
    assert limiter.take("c", 0.25, 1, now=0.0).allowed
    assert limiter.take("c", 0.25, 1, now=0.0).retry_after == pytest.approx(4.0)


def test_keys_do_not_share() -> None:
    limiter = MemoryRateLimiter()
    assert limiter.take("a", 1, 1, now=0.0).allowed
    assert limiter.take("b", 1, 1, now=0.0).allowed
    assert not limiter.take("a", 1, 1, now=0.0).allowed


def test_memory_is_bounded_and_the_least_recent_key_goes_first() -> None:
    limiter = MemoryRateLimiter(max_keys=2)
    limiter.take("a", 1, 1, now=0.0)
    limiter.take("b", 1, 1, now=0.0)
    limiter.take("c", 1, 1, now=0.0)
    assert limiter.take("a", 1, 1, now=0.0).allowed
    assert not limiter.take("c", 1, 1, now=0.0).allowed
