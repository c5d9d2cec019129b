"""How much can be guessed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.auth.domain.throttling import ACCOUNT, ADDRESS, TENANT, FailureCount, FailureLimit

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HOUR = timedelta(hours=1)


def admitted(limit: FailureLimit, start: datetime, until: datetime, count: FailureCount) -> tuple[int, FailureCount]:
    """Returns how many of the attempts of somebody who never rests are checked."""
    number, now = 0, start
    while now < until:
        if (charged := count.charged(limit, now)) is not None:
            number, count = number + 1, charged
        now = max(count.blocked_until, now + timedelta(seconds=0.01))
    return number, count


def test_account_sees_no_more_than_a_hundred_failures_an_hour() -> None:
    first, count = admitted(ACCOUNT, NOW, NOW + HOUR, FailureCount(0, NOW, NOW))
    later, _ = admitted(ACCOUNT, NOW + HOUR, NOW + 2 * HOUR, count)
    # Strangers, known addresses and known devices have a count each.
    assert later <= first == 30
    assert 3 * first <= 100


@pytest.mark.parametrize("limit", [ACCOUNT, ADDRESS, TENANT])
def test_nobody_waits_for_longer_than_is_said(limit: FailureLimit) -> None:
    count: FailureCount | None = FailureCount(0, NOW, NOW)
    for _ in range(5000):
        assert count is not None
        assert (count.blocked_until - count.at).total_seconds() <= limit.most
        count = count.charged(limit, count.blocked_until)


def test_some_failures_cost_nothing_and_each_after_them_doubles_the_wait() -> None:
    count, waits = FailureCount(0, NOW, NOW), []
    for _ in range(9):
        charged = count.charged(FailureLimit(3, 1.0, 180.0, 1e9), count.blocked_until)
        assert charged is not None
        count = charged
        waits.append(round((count.blocked_until - count.at).total_seconds()))
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32]


def test_failures_are_forgotten() -> None:
    count = FailureCount(ACCOUNT.top, NOW, NOW)
    after = count.charged(ACCOUNT, NOW + timedelta(seconds=ACCOUNT.forget * ACCOUNT.top))
    assert after is not None and after.failures == 1 and after.blocked_until <= after.at
