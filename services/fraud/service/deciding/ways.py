"""The two ways of a check: with all others, or apart, with time and places of its own, if it would hold them up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from meshkit.apart import TravelsApart
from meshkit.context import CallContext
from meshkit.errors import MeshError
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
        return self._followed(calls, await self._decider.decide_prompt(calls))

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
        """Decides a batch, all but the checks that are to come again apart: those get `TravelsApart`."""
        outcomes: list[Outcome | MeshError] = []
        for start in range(0, len(calls), BATCH_ITEMS):
            async with self._slots:
                outcomes += await self._decider.decide_prompt(calls[start : start + BATCH_ITEMS])
        return outcomes

    async def decide_apart(self, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        """Decides a batch of checks that were told to come apart. Some are told it again: see `Decider.decide`."""
        outcomes: list[Outcome | MeshError] = []
        for start in range(0, len(calls), APART_ITEMS):
            async with self._apart_slots:
                outcomes += await self._decider.decide(calls[start : start + APART_ITEMS])
        return outcomes

    async def decide_all(self, calls: Sequence[CheckCall]) -> Sequence[Outcome | MeshError]:
        """Decides a batch whose sender waits for all of it."""
        outcomes = list(await self.decide(calls))
        while late := [place for place, outcome in enumerate(outcomes) if isinstance(outcome, TravelsApart)]:
            for place, outcome in zip(late, await self.decide_apart([calls[place] for place in late]), strict=True):
                outcomes[place] = outcome
        return outcomes
