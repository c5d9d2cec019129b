"""The order of the measurements: every round takes each platform once, with the article's users and saturated."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.load.platforms import Platform
from tests.load.result import Result
from tests.load.rounds import Run, generate, measure_idle, observe
from tests.load.users import THINK

__all__ = ["DEFAULT", "QUICK", "SATURATED", "THINKING", "TaskPlan", "measure"]

THINKING, SATURATED = "users", "saturated"


@dataclass(frozen=True)
class TaskPlan:
    """How much is measured; times in seconds."""

    rounds: int
    users: int
    """Of the article's load test, who think between their requests."""
    ramp: float
    """Until all users are there."""
    warm_up: float
    """After that: longer than an answer takes, so that what is measured is steady."""
    seconds: float
    saturating: int
    """Users who do not think; few, because each is always waiting."""
    saturated_warm_up: float
    saturated_seconds: float


DEFAULT = TaskPlan(
    rounds=3,
    users=10_000,
    ramp=10.0,
    warm_up=10.0,
    seconds=15.0,
    saturating=128,
    saturated_warm_up=1.0,
    saturated_seconds=6.0,
)
QUICK = TaskPlan(
    rounds=2,
    users=10_000,
    ramp=5.0,
    warm_up=6.0,
    seconds=6.0,
    saturating=128,
    saturated_warm_up=0.5,
    saturated_seconds=3.0,
)


async def measure(
    plan: TaskPlan, platforms: Sequence[Platform], say: Callable[[str], None]
) -> tuple[list[Run], dict[str, float]]:
    """Measures all platforms in all rounds, in turn. Returns the runs and what share of a core each takes idle."""
    async with contextlib.AsyncExitStack() as started:
        for platform in platforms:
            say(f"starting {platform.name}")
            started.push_async_callback(platform.stop)
            await platform.start()
            await _load(plan, platform, 0, SATURATED)  # fills pools and caches
        idle = await measure_idle(platforms)
        runs: list[Run] = []
        for number in range(1, plan.rounds + 1):
            for platform in platforms:
                say(f"round {number} of {plan.rounds}, {platform.name}")
                runs += [await _observed(plan, platform, number, kind, say) for kind in (THINKING, SATURATED)]
        return runs, idle


async def _observed(plan: TaskPlan, platform: Platform, number: int, kind: str, say: Callable[[str], None]) -> Run:
    run = await observe(platform, kind, number, lambda: _load(plan, platform, number, kind))
    say(f"  {kind}: {'; '.join(run.result.lines()[:2])}")
    for cause, count in run.result.errors.items():
        say(f"  {count} x {cause}")
    return run


async def _load(plan: TaskPlan, platform: Platform, number: int, kind: str) -> Result:
    target = await platform.target()
    if kind == THINKING:
        options = _options(plan.users, THINK, plan.ramp)
        return await generate(target, "users", plan.warm_up, plan.seconds, number, *options)
    options = _options(plan.saturating, (0.0, 0.0), 0.0)
    return await generate(target, "users", plan.saturated_warm_up, plan.saturated_seconds, number, *options)


def _options(users: int, think: tuple[float, float], ramp: float) -> list[str]:
    return ["--connections", str(users), "--think", *map(str, think), "--ramp", str(ramp)]
