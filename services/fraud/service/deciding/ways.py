"""The two ways of a check: with all others, or apart, with time and places of its own, if it would hold them up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from meshkit.apart import TravelsApart
from meshkit.context import CallContext
from meshkit.errors import MeshError, deadline_exceeded
from services.fraud.service.deciding.decider import CheckCall, Decider, Outcome

__all__ = ["APART_IN_FLIGHT", "APART_ITEMS", "BATCH_ITEMS", "CheckWays", "DecideSingles"]

BATCH_ITEMS = 256
APART_ITEMS = 8
"""Few: they are read together, and what is not read in time of one is lost of all."""
APART_IN_FLIGHT = 2
DecideSingles: TypeAlias = Callable[
    [Sequence[CheckCall]], Awaitable[Sequence[Outcome | MeshError | asyncio.Future[Outcome]]]
]


class Singles(Protocol):
    """Joins single checks into batches."""

    def submit(
        self, item: CheckCall, *, size: int = 0, deadline: float | None = None, call: CallContext | None = None
    ) -> asyncio.Future[Outcome]: ...


class CheckWays:
    """Decides checks on either way, a few batches of each at a time: `in_flight` of those with all others."""

    def __init__(self, decider: Decider, join: Callable[[DecideSingles], Singles], *, in_flight: int) -> None:
        """`join` returns what joins single checks that go apart, given what decides them."""
        self._decider = decider
        self._singles = join(self._decide_apart)
        self._slots = asyncio.Semaphore(in_flight)
        self._apart_slots = asyncio.Semaphore(APART_IN_FLIGHT)

    async def decide_singles(
        self, calls: Sequence[CheckCall]
    ) -> Sequence[Outcome | MeshError | asyncio.Future[Outcome]]:
        """Decides checks that were joined here, and gives the future of the answer to one that goes on apart."""
        return self._followed(calls, await self._decider.decide_prompt(calls, sheds=True))

    async def _decide_apart(
        self, calls: Sequence[CheckCall]
    ) -> Sequence[Outcome | MeshError | asyncio.Future[Outcome]]:
        return self._followed(calls, await self._decider.decide(calls))

    def _followed(
        self, calls: Sequence[CheckCall], answers: Sequence[Outcome | MeshError]
    ) -> Sequence[Outcome | MeshError | asyncio.Future[Outcome]]:
        return [
            self._apart(call) if isinstance(answer, TravelsApart) else answer
            for call, answer in zip(calls, answers, strict=True)
        ]

    def _apart(self, call: CheckCall) -> asyncio.Future[Outcome]:
        return self._singles.submit(call, deadline=call.context.deadline, call=call.context)

    async def decide(self, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        """Decides a batch of single checks, all but those that are to come again apart, which get `TravelsApart`."""
        return await self._decide_together(calls, sheds=True)

    async def _decide_together(self, calls: Sequence[CheckCall], *, sheds: bool) -> list[Outcome | MeshError]:
        outcomes: list[Outcome | MeshError] = []
        for start in range(0, len(calls), BATCH_ITEMS):
            async with self._slots:
                outcomes += await self._decider.decide_prompt(calls[start : start + BATCH_ITEMS], sheds=sheds)
        return outcomes

    async def decide_apart(self, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        """Decides a batch of checks that were told to come apart. Some are told it again: see `Decider.decide`."""
        outcomes: list[Outcome | MeshError] = []
        for start in range(0, len(calls), APART_ITEMS):
            async with self._apart_slots:
                outcomes += await self._decider.decide(calls[start : start + APART_ITEMS])
        return outcomes

    async def decide_all(self, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        """Decides a batch whose sender waits for all of it. What is not decided by its deadline fails for itself."""
        outcomes: list[Outcome | MeshError] = [deadline_exceeded() for _ in calls]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_left(calls)):
                await self._decide_into(outcomes, calls)
        return [deadline_exceeded() if isinstance(outcome, TravelsApart) else outcome for outcome in outcomes]

    async def _decide_into(self, outcomes: list[Outcome | MeshError], calls: Sequence[CheckCall]) -> None:
        for start in range(0, len(calls), BATCH_ITEMS):
            part = slice(start, start + BATCH_ITEMS)
            outcomes[part] = await self._decide_together(calls[part], sheds=False)
        while late := [place for place, outcome in enumerate(outcomes) if isinstance(outcome, TravelsApart)]:
            for start in range(0, len(late), APART_ITEMS):
                places = late[start : start + APART_ITEMS]
                for place, outcome in zip(places, await self.decide_apart([calls[at] for at in places]), strict=True):
                    outcomes[place] = outcome


def _left(calls: Sequence[CheckCall]) -> float | None:
    """Returns the seconds until the last of the callers has gone; None if one never goes."""
    deadlines = [call.context.deadline for call in calls]
    latest = max((each for each in deadlines if each is not None), default=0.0)
    return None if None in deadlines else max(0.0, latest - time.monotonic())
