"""How many may watch, and how fast."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from meshkit.errors import Kind, MeshError
from services.fraud.service.watching.limits import WatchLimits, WatchPace


@pytest.mark.parametrize(
    ("taken", "asked", "whose"),
    [
        pytest.param(["a", "a"], "a", "the tenant", id="tenant"),
        pytest.param(["a", "a", "b"], "c", "the service", id="process"),
    ],
)
def test_watcher_above_a_limit_is_refused_until_a_seat_is_free(taken: list[str], asked: str, whose: str) -> None:
    limits = WatchLimits(total=3, per_tenant=2)
    with ExitStack() as stack:
        for tenant in taken:
            stack.enter_context(limits.taken(tenant))
        with pytest.raises(MeshError) as caught, limits.taken(asked):
            pass
        assert (caught.value.kind, caught.value.reason) == (Kind.RESOURCE_EXHAUSTED, "OVERLOADED")
        assert whose in caught.value.message and caught.value.retry_after
    with limits.taken(asked):
        pass


def test_seats_of_tenants_that_left_are_forgotten() -> None:
    limits = WatchLimits(total=3, per_tenant=2)
    for number in range(100):
        with limits.taken(f"tenant-{number}"):
            pass
    assert len(limits._taken) == 0


async def test_responses_beyond_the_rate_are_spaced_out_and_fewer_are_not_held_up() -> None:
    loop = asyncio.get_running_loop()
    pace, start = WatchPace(200.0), loop.time()
    for _ in range(20):
        await pace.keep()
    at_once = loop.time() - start
    for _ in range(40):
        await pace.keep()
    assert loop.time() - start >= 0.19
    assert loop.time() - start - at_once >= 0.15
