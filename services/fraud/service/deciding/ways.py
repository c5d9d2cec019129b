"""The two ways of a check: with all others, or apart, with time and places of its own, if it would hold them up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple, Protocol, TypeAlias

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


class _Way(NamedTuple):
    """How the checks of a batch are decided: so many at a time, as many times at once as there are slots."""

    items: int
    slots: asyncio.Semaphore
    decide: Callable[[Sequence[CheckCall]], Awaitable[Sequence[Outcome | MeshError]]]


class CheckWays:
    """Decides checks on either way, a few batches of each at a time: `in_flight` of those with all others."""

    def __init__(self, decider: Decider, join: Callable[[DecideSingles], Singles], *, in_flight: int) -> None:
        """`join` returns what joins single checks that go apart, given what decides them."""
        self._decider = decider
        self._singles = join(self._decide_apart)
        slots = asyncio.Semaphore(in_flight)
        self._singly = _Way(BATCH_ITEMS, slots, partial(decider.decide_prompt, sheds=True))
        self._together = _Way(BATCH_ITEMS, slots, decider.decide_prompt)
        self._alone = _Way(APART_ITEMS, asyncio.Semaphore(APART_IN_FLIGHT), decider.decide)

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
        return await self._decide_on(self._singly, calls)

    async def decide_apart(self, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        """Decides a batch of checks that were told to come apart. Some are told it again: see `Decider.decide`."""
        return await self._decide_on(self._alone, calls)

    async def decide_all(self, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        """Decides a batch whose sender waits for all of it. What is not decided by its deadline fails for itself."""
        outcomes = _undecided(calls)
        try:
            async with asyncio.timeout(_left(calls)) as limit:
                await _decide_at(range(len(calls)), self._together, calls, outcomes)
                while late := [place for place, outcome in enumerate(outcomes) if isinstance(outcome, TravelsApart)]:
                    await _decide_at(late, self._alone, calls, outcomes)
        except TimeoutError:
            if not limit.expired():
                raise
        return [deadline_exceeded() if isinstance(outcome, TravelsApart) else outcome for outcome in outcomes]

    @staticmethod
    async def _decide_on(way: _Way, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        outcomes = _undecided(calls)
        await _decide_at(range(len(calls)), way, calls, outcomes)
        return outcomes


async def _decide_at(
    places: Sequence[int], way: _Way, calls: Sequence[CheckCall], outcomes: list[Outcome | MeshError]
) -> None:
    """Decides the calls at some places, a part at a time, and puts the outcomes there."""
    for start in range(0, len(places), way.items):
        part = places[start : start + way.items]
        async with way.slots:
            found = await way.decide([calls[place] for place in part])
        for place, outcome in zip(part, found, strict=True):
            outcomes[place] = outcome


def _undecided(calls: Sequence[CheckCall]) -> list[Outcome | MeshError]:
    return [deadline_exceeded() for _ in calls]


def _left(calls: Sequence[CheckCall]) -> float | None:
    """Returns the seconds until the last of the callers has gone; None if one never goes."""
    deadlines = [call.context.deadline for call in calls]
    latest = max((each for each in deadlines if each is not None), default=0.0)
    return None if None in deadlines else max(0.0, latest - time.monotonic())
