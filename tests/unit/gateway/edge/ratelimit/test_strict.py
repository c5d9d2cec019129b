from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.edge.ratelimit import StrictRateLimiter
from gateway.edge.ratelimit.shared import Charge, LimitsUnavailableError, MemoryShared, Tally
from meshkit.limits import Limit, MemoryRateLimiter

LIMIT = Limit("write", "client", 10)


class CountingShared(MemoryShared):
    broken = False
    asked = 0

    async def take(self, charges: Sequence[Charge]) -> Tally:
        self.asked += 1
        if self.broken:
            raise LimitsUnavailableError("TimeoutError")
        return await super().take(charges)


@pytest.fixture
def shared() -> CountingShared:
    return CountingShared(lambda: 100.0)


def strict(shared: CountingShared) -> tuple[StrictRateLimiter, MemoryRateLimiter]:
    local = MemoryRateLimiter()
    return StrictRateLimiter(local, shared), local


async def test_several_limiters_allow_exactly_the_limit(shared: CountingShared) -> None:
    limiters = [strict(shared)[0] for _ in range(4)]
    verdicts = [(await limiters[call % 4].take_all([LIMIT], 1, 100.0))[0] for call in range(40)]
    assert sum(verdict.allowed for verdict in verdicts) == 10
    assert [verdict.remaining for verdict in verdicts[:11]] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0]
    assert verdicts[-1].retry_after == pytest.approx(0.1)


async def test_limits_are_charged_together_or_not_at_all(shared: CountingShared) -> None:
    limiter, _ = strict(shared)
    narrow = Limit("tenant", "tenant", 2)
    for _ in range(5):
        verdicts = await limiter.take_all([LIMIT, narrow], 1, 100.0)
    assert [verdict.allowed for verdict in verdicts] == [True, False]
    assert (await limiter.take_all([LIMIT], 1, 100.0))[0].remaining == 7


async def test_local_limiter_goes_on_from_where_the_shared_state_was(shared: CountingShared) -> None:
    limiter, local = strict(shared)
    await limiter.take_all([LIMIT], 8, 100.0)
    shared.broken = True
    allowed = [(await limiter.take_all([LIMIT], 1, 100.0))[0].allowed for _ in range(5)]
    assert allowed == [True, True, False, False, False]
    assert not local.take(LIMIT, 1, 100.0).allowed


async def test_hanging_shared_state_costs_one_wait_in_a_second(shared: CountingShared) -> None:
    limiter, _ = strict(shared)
    shared.broken = True
    for step in range(30):
        await limiter.take_all([LIMIT], 1, 100.0 + step / 10)
    assert shared.asked == 3
    shared.broken = False
    await limiter.take_all([LIMIT], 1, 104.0)
    assert shared.asked == 4
