from __future__ import annotations

import random
from fractions import Fraction

import pytest

from meshkit.limits import Limit, MemoryRateLimiter

ONE, TWO = Limit("one", "one", 1), Limit("two", "two", 1)


def limit(rate: float, key: str = "c", burst: float | None = None) -> Limit:
    return Limit("decision", key, rate, burst)


# rate, burst, and calls as (time, cost, allowed, remaining, retry_after)
VECTORS = {
    "a burst, then one unit for each interval": (
        10, None,
        [(0.0, 10, True, 0, 0), (0.0, 1, False, 0, 0.1), (0.05, 1, False, 0, 0.05), (0.1, 1, True, 0, 0),
         (0.1, 1, False, 0, 0.1), (0.35, 2, True, 0, 0), (9.0, 1, True, 9, 0)],
    ),
    "units come back while they are used": (
        4, None, [(0.0, 2, True, 2, 0), (0.25, 2, True, 1, 0), (0.5, 2, True, 0, 0), (0.5, 1, False, 0, 0.25)],
    ),
    "a cost beyond what is left waits for all of it": (20, None, [(0.0, 15, True, 5, 0), (0.0, 10, False, 5, 0.25)]),
    "a cost beyond the burst is the burst": (5, None, [(0.0, 10, True, 0, 0), (0.9, 10, False, 4, 0.1)]),
    "a rate below one in a second allows one": (0.25, None, [(0.0, 1, True, 0, 0), (1.0, 1, False, 0, 3.0)]),
    "a burst of five seconds": (
        2, 10, [(0.0, 10, True, 0, 0), (0.0, 1, False, 0, 0.5), (2.0, 4, True, 0, 0), (100.0, 10, True, 0, 0)],
    ),
    "time that does not pass": (1, None, [(7.0, 1, True, 0, 0)] + [(7.0, 1, False, 0, 1.0)] * 50),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORS)
def test_vectors(name: str) -> None:
    rate, burst, calls = VECTORS[name]
    limiter = MemoryRateLimiter()
    for now, cost, allowed, remaining, retry_after in calls:
        verdict = limiter.take(limit(rate, burst=burst), cost, 1000 + now)
        assert (verdict.allowed, verdict.remaining) == (allowed, remaining)
        assert verdict.retry_after == pytest.approx(retry_after, abs=1e-6)


@pytest.mark.parametrize("rate", [1, 3, 7, 20, 999, 50_000, 1_000_000])
def test_decisions_are_those_of_a_leaky_bucket_in_exact_arithmetic(rate: int) -> None:
    chance = random.Random(rate)
    limiter = MemoryRateLimiter()
    tick, now, level, at = Fraction(1, 1 << 20), Fraction(1000), Fraction(0), Fraction(1000)
    for _ in range(3_000):
        now += tick * chance.choice((0, 0, 1, 7, chance.randrange(1 << 21) // max(1, rate // 2)))
        level = max(Fraction(0), level - (now - at) * rate)
        at = now
        cost = min(chance.choice((1, 1, 1, 2, 10)), rate)
        fits = level + cost <= rate
        # Floats keep some nanoseconds apart what is equal: only there may the two disagree.
        near = abs(level + cost - rate) < rate * Fraction(1, 10**8)
        allowed = limiter.take(limit(rate), cost, float(now)).allowed
        assert allowed == fits or near
        if allowed:
            level += cost


@pytest.mark.parametrize("rate", [1, 3, 20, 50_000])
def test_long_run_rate_is_the_limit_whatever_is_asked(rate: int) -> None:
    limiter = MemoryRateLimiter()
    seconds, asked = 10 if rate < 1_000 else 2, rate * 3
    allowed = sum(
        limiter.take(limit(rate), 1, second + step / asked).allowed
        for second in range(seconds)
        for step in range(asked)
    )
    assert rate * seconds <= allowed <= rate * (seconds + 1)


def test_refused_call_is_allowed_after_retry_after_and_not_before() -> None:
    limiter = MemoryRateLimiter()
    limiter.take(limit(10), 10, 5.0)
    wait = limiter.take(limit(10), 1, 5.0).retry_after
    assert not limiter.take(limit(10), 1, 5.0 + wait - 0.001).allowed
    assert limiter.take(limit(10), 1, 5.0 + wait).allowed


def test_refused_calls_cost_nothing() -> None:
    limiter = MemoryRateLimiter()
    for _ in range(1000):
        limiter.take(limit(10), 1, 5.0)
    assert limiter.take(limit(10), 1, 5.1).allowed


def test_keys_do_not_share() -> None:
    limiter = MemoryRateLimiter()
    assert [limiter.take(each, 1, 5.0).allowed for each in (ONE, TWO, ONE)] == [True, True, False]


def test_memory_is_bounded_and_the_least_recent_key_goes_first() -> None:
    limiter = MemoryRateLimiter(max_keys=2)
    for key in "abc":
        limiter.take(limit(1, key), 1, 5.0)
    assert limiter.take(limit(1, "a"), 1, 5.0).allowed
    assert not limiter.take(limit(1, "c"), 1, 5.0).allowed
    # Refused calls keep a key as well: "a" was used before "c", and goes.
    limiter.take(limit(1, "d"), 1, 5.0)
    assert not limiter.take(limit(1, "c"), 1, 5.0).allowed


def test_limits_of_one_call_are_charged_together_or_not_at_all() -> None:
    limiter = MemoryRateLimiter()
    wide, narrow = limit(10, "wide"), limit(2, "narrow")
    verdicts = [limiter.take_all([wide, narrow], 1, 5.0) for _ in range(5)]
    assert [[verdict.allowed for verdict in pair] for pair in verdicts] == [[True, True]] * 2 + [[True, False]] * 3
    assert limiter.take(wide, 1, 5.0).remaining == 10 - 2 - 1


@pytest.mark.parametrize("used", [0, 1, 9, 10])
def test_peek_says_what_take_would_and_charges_nothing(used: int) -> None:
    limiter = MemoryRateLimiter()
    if used:
        limiter.take(limit(10), used, 5.0)
    for _ in range(3):
        seen = limiter.peek(limit(10), 1, 5.05)
    taken = limiter.take(limit(10), 1, 5.05)
    assert seen.allowed == taken.allowed
    assert seen.retry_after == pytest.approx(taken.retry_after)


@pytest.mark.parametrize("sharers", [1, 2, 4, 8])
def test_sharers_that_know_nothing_of_each_other_hold_the_limit_together(sharers: int) -> None:
    limiters = [MemoryRateLimiter(sharers=sharers) for _ in range(sharers)]
    steps = [5 + step / 400 for step in range(2_000)]
    allowed = sum(limiter.take(limit(40), 1, now).allowed for now in steps for limiter in limiters)
    assert 40 * 5 <= allowed <= 40 * 6 + sharers


def test_share_of_less_than_one_unit_allows_one() -> None:
    limiter = MemoryRateLimiter(sharers=8)
    assert limiter.take(limit(2), 1, 5.0).allowed
    assert limiter.take(limit(2), 1, 5.0).retry_after == pytest.approx(4.0)


def accounting(**options: int) -> tuple[MemoryRateLimiter, list[None]]:
    calls: list[None] = []
    return MemoryRateLimiter(hasten=lambda: calls.append(None), **options), calls


def test_use_is_drained_once_in_seconds_of_the_whole_limit_oldest_first() -> None:
    limiter, _ = accounting(sharers=4)
    for key in "abc":
        limiter.take(limit(10, key), 2, 5.0)
    assert limiter.drain(2, 6.0) == {"a": pytest.approx(0.2), "b": pytest.approx(0.2)}
    assert limiter.due == 1
    assert limiter.drain(10, 6.0) == {"c": pytest.approx(0.2)}
    assert limiter.drain(10, 6.0) == {}


def test_key_stays_due_while_it_has_a_backlog() -> None:
    limiter, _ = accounting()
    limiter.take(limit(10), 8, 5.0)
    assert limiter.drain(1, 5.0) == {"c": pytest.approx(0.8)}
    assert limiter.drain(1, 5.1) == {"c": 0.0}
    limiter.take(limit(10), 1, 5.2)
    assert limiter.drain(1, 5.2) == {"c": pytest.approx(0.1)}
    assert limiter.drain(1, 5.85) == {"c": 0.0}
    assert limiter.drain(1, 5.9) == {}


def test_refused_and_returned_use_is_not_accounted() -> None:
    limiter, _ = accounting()
    wide, narrow = limit(10, "wide"), limit(1, "narrow")
    limiter.take_all([wide, narrow], 1, 5.0)
    limiter.take_all([wide, narrow], 1, 5.0)
    assert limiter.drain(10, 6.0) == {"wide": pytest.approx(0.1), "narrow": pytest.approx(1.0)}


def test_heavy_use_hastens_the_exchange_and_light_use_does_not() -> None:
    limiter, calls = accounting()
    limiter.take(limit(100), 24, 5.0)
    assert calls == []
    limiter.take(limit(100), 2, 5.0)
    assert len(calls) == 1


def test_what_is_learnt_counts_with_what_was_used_meanwhile() -> None:
    limiter, _ = accounting()
    limiter.take(limit(10), 3, 5.0)
    limiter.drain(1, 6.0)
    limiter.take(limit(10), 2, 5.0)
    limiter.learn("c", 0.7, 5.0)
    assert limiter.take(limit(10), 1, 5.0).remaining == 0
    assert not limiter.take(limit(10), 1, 5.0).allowed


def test_what_is_learnt_never_gives_units_back() -> None:
    limiter, _ = accounting()
    limiter.take(limit(10), 10, 5.0)
    limiter.drain(1, 6.0)
    limiter.learn("c", 0.0, 5.0)
    assert not limiter.take(limit(10), 1, 5.0).allowed


def test_use_of_an_outage_is_forgotten() -> None:
    limiter, _ = accounting()
    limiter.take(limit(10), 5, 5.0)
    limiter.forget_use()
    assert limiter.drain(10, 6.0) == {}
    limiter.take(limit(10), 1, 5.0)
    assert limiter.drain(10, 6.0) == {"c": pytest.approx(0.1)}
