"""The order of the measurements: every round takes each platform once, so that slow minutes of a machine hit all.

All platforms run from the beginning to the end, so that each is warm when its turn comes; an idle one takes next to no
CPU time, and how much it took is reported.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from console.failure import CommandFailure
from tests.load.machine import busy_seconds, cpu_seconds, difference, own_seconds
from tests.load.platforms import Batches, Ledger, Platform
from tests.load.result import Result
from tests.load.workload import Target

__all__ = ["DEFAULT", "QUICK", "Plan", "Preparation", "Run", "generate", "measure", "measure_idle", "observe"]

GENERATOR_GRACE = 90.0
"""Time beyond its load in which a generator must have started and ended."""


@dataclass(frozen=True)
class Plan:
    """How much is measured; times in seconds."""

    rounds: int
    connections: tuple[int, ...]
    first_warm_up: float
    """At most, once for each platform: until every user has been checked, so that caches and pools are full."""
    warm_up: float
    """Before every load."""
    seconds: float
    paced_seconds: float
    users: int
    """Few enough that every platform can check each once within its first warm-up."""
    edge_rounds: int
    """Of the cost of the edge alone."""
    rate: float = 120.0
    """Requests per second of the open loop."""


DEFAULT = Plan(
    rounds=3,
    connections=(64, 128),
    first_warm_up=60.0,
    warm_up=1.0,
    seconds=5.0,
    paced_seconds=10.0,
    users=5_000,
    edge_rounds=7,
)
QUICK = Plan(
    rounds=2,
    connections=(128,),
    first_warm_up=10.0,
    warm_up=0.5,
    seconds=2.5,
    paced_seconds=3.0,
    users=600,
    edge_rounds=3,
)


@dataclass(frozen=True)
class Run:
    """One load on one platform."""

    platform: str
    kind: str
    """closed, paced or users."""
    round: int
    result: Result
    stored: int
    """Rows in the database that were not there before: at least those answered, else some were lost."""
    cpu_us: Mapping[str, float]
    """CPU time per answer of each process, until the ledger had caught up."""
    cores: float
    """Cores that the platform kept busy."""
    foreign_cores: float
    """Cores that processes outside the benchmark, and platforms whose turn it was not, kept busy meanwhile."""
    batch_sizes: Mapping[str, float]
    """Mean calls per batch."""
    ledger: Ledger | None

    @property
    def lost(self) -> int:
        """Answers that promise a stored row and have none."""
        return max(0, self.result.stores - self.stored)


@dataclass(frozen=True)
class Preparation:
    """The platforms before the first round."""

    warmed: Mapping[str, int]
    """Users that were checked once; with fewer than the plan's, caches are part of what was measured."""
    idle: Mapping[str, float]
    """Share of a core that a platform takes without load."""


async def measure_idle(platforms: Sequence[Platform], seconds: float = 2.0) -> dict[str, float]:
    """Returns the share of a core that each platform takes without load."""
    before = {platform.name: sum(cpu_seconds(platform.pids()).values()) for platform in platforms}
    await asyncio.sleep(seconds)
    after = {platform.name: sum(cpu_seconds(platform.pids()).values()) for platform in platforms}
    return {name: used / seconds for name, used in difference(before, after).items()}


async def measure(
    plan: Plan, platforms: Sequence[Platform], paced: Sequence[str], say: Callable[[str], None]
) -> tuple[list[Run], Preparation]:
    """Measures all platforms in all rounds, one at a time; those named in `paced` also at the plan's rate.

    Returns the runs and how the platforms were before the first of them.
    """
    async with contextlib.AsyncExitStack() as started:
        for platform in platforms:
            say(f"starting {platform.name}")
            started.push_async_callback(platform.stop)
            await platform.start()
        warmed: dict[str, int] = {}
        for platform in platforms:
            say(f"warming up {platform.name}")
            warmed[platform.name] = await _Loads(plan, platform, 0, say).warm_up()
        preparation = Preparation(warmed, await measure_idle(platforms))
        runs: list[Run] = []
        for number in range(1, plan.rounds + 1):
            for platform in platforms:
                say(f"round {number} of {plan.rounds}, {platform.name}")
                runs += await _Loads(plan, platform, number, say).all(paced=platform.name in paced)
        return runs, preparation


class _Loads:
    """The loads of one platform in one round."""

    def __init__(self, plan: Plan, platform: Platform, number: int, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._platform = platform
        self._number = number
        self._say = say

    async def warm_up(self) -> int:
        """Returns how many users were checked."""
        target, plan = await self._platform.target(), self._plan
        most = str(max(plan.connections))
        options = ("--connections", most, "--users", str(plan.users), "--each-user")
        result = await generate(target, "closed", 0.0, plan.first_warm_up, self._number, *options)
        errors = "".join(f", {count} x {cause}" for cause, count in result.errors.items())
        self._say(f"  {result.accepted} checks in {result.seconds:.1f} s{errors}")
        await self._platform.settle()
        return result.accepted

    async def all(self, *, paced: bool) -> list[Run]:
        plan = self._plan
        target = await self._platform.target()
        runs = [
            await self._one(target, "closed", plan.seconds, "--connections", str(connections))
            for connections in plan.connections
        ]
        if paced:
            runs.append(await self._one(target, "paced", plan.paced_seconds, "--rate", f"{plan.rate:g}"))
        return runs

    async def _one(self, target: Target, kind: str, seconds: float, *options: str) -> Run:
        users = ("--users", str(self._plan.users))

        async def load() -> Result:
            return await generate(target, kind, self._plan.warm_up, seconds, self._number, *users, *options)

        run = await observe(self._platform, kind, self._number, load)
        self._say(f"  {kind} {' '.join(options)}: {'; '.join(run.result.lines()[:2])}")
        return run


async def observe(platform: Platform, kind: str, number: int, load: Callable[[], Awaitable[Result]]) -> Run:
    """Runs one load and adds what it cost the platform, stored, and left to do."""
    pids = platform.pids()
    stored, batches = await platform.stored(), await platform.batches()
    begun, busy, own, cpu = time.monotonic(), busy_seconds(), own_seconds(), cpu_seconds(pids)
    result = await load()
    ledger = await platform.settle()
    used = difference(cpu, cpu_seconds(pids))
    total, others = sum(used.values()), busy_seconds() - busy - (own_seconds() - own)
    lasted = time.monotonic() - begun
    return Run(
        platform=platform.name,
        kind=kind,
        round=number,
        result=result,
        stored=await platform.stored() - stored,
        cpu_us={name: each / max(1, result.accepted) * 1e6 for name, each in used.items()},
        cores=total / lasted,
        foreign_cores=max(0.0, others - total) / lasted,
        batch_sizes=_means(batches, await platform.batches()),
        ledger=ledger,
    )


async def generate(target: Target, kind: str, warm_up: float, seconds: float, seed: int, *options: str) -> Result:
    """Runs a generator as a process of its own. Raises Failure with its last words."""
    with tempfile.NamedTemporaryFile("w", prefix="token-") as file:  # made with mode 0600
        file.write(target.token)
        file.flush()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", f"tests.load.{kind}", "--base-url", target.base_url, "--path", target.path,
            "--token-file", file.name, "--warm-up", str(warm_up), "--seconds", str(seconds), "--seed", str(seed),
            "--json", *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        try:
            async with asyncio.timeout(warm_up + seconds + GENERATOR_GRACE):
                output, complaint = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode:
        raise CommandFailure(f"The generator failed: {complaint.decode(errors='replace').strip()}")
    return Result.from_json(output.decode())


def _means(before: Batches, after: Batches) -> dict[str, float]:
    means: dict[str, float] = {}
    for name, (calls, count) in after.items():
        calls_before, count_before = before.get(name, (0.0, 0.0))
        if count > count_before:
            means[name] = (calls - calls_before) / (count - count_before)
    return means
