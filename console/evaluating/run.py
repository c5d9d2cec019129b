"""Runs an evaluation: day by day labels come in, payments are decided, and before each test week a model is trained."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from console.api import Json
from console.evaluating.notes import Notes
from console.evaluating.platform import EvaluatedPlatform
from console.evaluating.recipe import MODEL, TRAINED_DAYS, model_draft, rule_draft
from console.evaluating.transactions import Transactions, day_of
from console.evaluating.weeks import DELAY_DAYS, Week
from console.failure import CommandFailure
from console.replaying.records import Record
from console.replaying.results import Results

__all__ = ["EvaluationRun", "EvaluationStep", "first_day"]

HISTORY_DAYS = 44
"""Before the first day that is learned from: the farthest that a feature looks back."""
POLL_SECONDS = 1.0
VERSIONS, DEPLOYED = "versions", "deployed"
RULES = "rules"


@dataclass(frozen=True, slots=True)
class EvaluationStep:
    """What is being done, and how far it is."""

    what: str
    done: int = 0
    total: int = 0
    counts_decisions: bool = False
    """True if what is decided meanwhile is how far it is."""


def first_day(weeks: Sequence[Week], transactions: Transactions) -> date:
    """Returns the day from which on payments are replayed."""
    wanted = weeks[0].start - timedelta(days=DELAY_DAYS + TRAINED_DAYS + HISTORY_DAYS)
    return max(wanted, transactions.first)


class EvaluationRun:
    """One run. What an earlier one has done is not done again."""

    def __init__(
        self,
        platform: EvaluatedPlatform,
        transactions: Transactions,
        results: Results,
        notes: Notes,
        replay: Callable[[Iterable[Record]], Awaitable[None]],
    ) -> None:
        """`replay` sends records, and returns when all are answered."""
        self._platform = platform
        self._transactions = transactions
        self._results = results
        self._notes = notes
        self._replay = replay

    async def run(
        self, records: Iterable[Record], weeks: Sequence[Week], *, by_rules: bool
    ) -> AsyncGenerator[EvaluationStep, None]:
        """Yields each step as it begins. Raises CommandFailure."""
        first, starts = first_day(weeks, self._transactions), {week.start: week for week in weeks}
        yield EvaluationStep("declaring features")
        await self._platform.declare_features()
        if by_rules:
            await self._deploy(RULES, rule_draft())
        for day, found in groupby(records, lambda record: day_of(record.event_time)):
            if not first <= day < weeks[-1].end:
                continue
            if day in starts and not by_rules:
                async with aclosing(self._model(starts[day])) as steps:
                    async for step in steps:
                        yield step
            yield EvaluationStep(f"payments of {day}", total=len(self._transactions.of(day)), counts_decisions=True)
            await self._day(day, found, first)

    async def _model(self, week: Week) -> AsyncGenerator[EvaluationStep, None]:
        """Trains a version for a week and lets it decide."""
        key = str(week)
        versions = self._notes.get(VERSIONS)
        if key not in versions:
            yield EvaluationStep(f"training for {week}")
            versions[key] = await self._platform.train(week)
            self._notes.put(VERSIONS, versions)
        while (version := await self._platform.model_version(versions[key]))["state"] != "ready":
            if version["state"] in ("failed", "cancelled"):
                del versions[key]
                self._notes.put(VERSIONS, versions)
                raise CommandFailure(f"The training for {week} has {version['state']}: {version['error']}")
            progress = version.get("progress") or {"message": "", "done": 0, "total": 0}
            yield EvaluationStep(
                f"training for {week}: {progress['message']}", int(progress["done"]), int(progress["total"])
            )
            await asyncio.sleep(POLL_SECONDS)
        yield EvaluationStep(f"{MODEL}@{versions[key]} is to decide")
        await self._deploy(key, model_draft(versions[key]))

    async def _deploy(self, key: str, draft: Json) -> None:
        deployed = self._notes.get(DEPLOYED)
        if key not in deployed:
            await self._platform.deploy(draft, key)
            self._notes.put(DEPLOYED, {**deployed, key: True})

    async def _day(self, day: date, records: Iterable[Record], first: date) -> None:
        places = self._transactions.of(day)
        if all(self._results.is_decided(place) for place in places):
            return
        await self._platform.label(self._known_on(day, first))
        await self._replay(records)
        refused = sum(not self._results.is_decided(place) for place in places)
        if refused:
            detail = next(iter(self._results.details()), ("", ""))
            raise CommandFailure(f"{refused:,} payments of {day} were refused: {': '.join(detail)}")

    def _known_on(self, day: date, first: date) -> Sequence[tuple[str, str]]:
        """Returns the frauds that become known on a day, each with when."""
        happened = day - timedelta(days=DELAY_DAYS)
        if happened < first:
            return ()
        return [
            (self._transactions.identifiers[place], _known_time(self._transactions.times[place]))
            for place in self._transactions.frauds(happened, happened + timedelta(days=1))
        ]


def _known_time(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC) + timedelta(days=DELAY_DAYS)
    return moment.isoformat().replace("+00:00", "Z")
