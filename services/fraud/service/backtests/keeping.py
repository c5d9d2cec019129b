"""Keeps backtests: creates, reads, lists and cancels them. The tenant is the verified caller's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from meshkit.ids import uuid7_text
from meshkit.tasks import OrderedWork, SubmittedTasks, WorkState, states_of, unfinished
from services.fraud import errors
from services.fraud.domain.backtests.backtest import (
    MOST_UNFINISHED,
    Backtest,
    BacktestValues,
    period_faults,
)
from services.fraud.domain.scenarios.publication import Actor
from services.fraud.domain.scenarios.scenario import ScenarioVersion, VersionRef
from services.fraud.ports.backtests import BacktestChanges, BacktestReads
from services.fraud.service.scenarios.drafts import ScenarioService
from services.fraud.service.scenarios.rule_checks import RuleChecks

__all__ = ["BacktestService", "NewBacktest", "ToldBacktest"]

LOOKED_AT = 200
"""Backtests without a result, the newest, of which it is asked whether they have ended."""
SUCCEEDED = "succeeded"
"""Of a backtest whose task was deleted."""


@dataclass(frozen=True, slots=True)
class NewBacktest:
    """What is asked for."""

    ref: VersionRef
    """With the number 0 for the draft."""
    since: datetime
    until: datetime | None
    values: BacktestValues = BacktestValues.CHOSEN


@dataclass(frozen=True, slots=True)
class ToldBacktest:
    """A backtest with how far it is."""

    backtest: Backtest
    state: WorkState


class BacktestService:
    """The use cases. What changes something does so in the transaction that it is given."""

    def __init__(
        self,
        reads: BacktestReads,
        tasks: SubmittedTasks,
        scenarios: ScenarioService,
        checks: RuleChecks,
        clock: Callable[[], datetime],
    ) -> None:
        self._reads = reads
        self._tasks = tasks
        self._scenarios = scenarios
        self._checks = checks
        self._clock = clock

    async def create(self, changes: BacktestChanges, actor: Actor, new: NewBacktest) -> ToldBacktest:
        """Creates a backtest, and has it done. Where that fails nothing is left but a task that ends at once.

        Raises RESOURCE_NOT_FOUND, VALIDATION_FAILED, and STATE_NOT_ALLOWED if too many have not ended.
        """
        now = self._clock()
        until = new.until or now
        faults = period_faults(new.since, until, now)
        if faults:
            raise errors.fields_invalid(faults)
        version = await self.version(actor.tenant_id, new.ref)
        waiting = await changes.without_result(LOOKED_AT)
        if await unfinished(self._tasks, [each.task_id for each in waiting]) >= MOST_UNFINISHED:
            words = f"there are {MOST_UNFINISHED} backtests that have not ended: wait, or cancel one"
            raise errors.step_not_allowed(words, "pending")
        made = Backtest(
            tenant_id=actor.tenant_id,
            backtest_id=uuid7_text(),
            scenario_id=new.ref.scenario_id,
            number=new.ref.number,
            event_type=version.content.event_type,
            since=new.since,
            until=until,
            values=new.values,
            created_by=actor.name,
            created_at=now,
            draft=None if new.ref.number else version,
        )
        made = replace(made, task_id=await self._tasks.submit(_work(made)))
        await changes.add(made)
        return ToldBacktest(made, WorkState("pending"))

    async def get(self, tenant_id: str, backtest_id: UUID) -> ToldBacktest:
        """Returns a backtest, with its result if it has succeeded. Raises RESOURCE_NOT_FOUND."""
        (told,) = await self._told([await self._found(tenant_id, backtest_id)])
        if told.state.state != SUCCEEDED:
            # One that was cancelled in its last moment may have stored a result.
            return replace(told, backtest=replace(told.backtest, result=None))
        if told.backtest.result is None:
            # It has ended between the two looks.
            return replace(told, backtest=await self._found(tenant_id, backtest_id))
        return told

    async def page(self, tenant_id: str, before: UUID | None, limit: int) -> tuple[Sequence[ToldBacktest], bool]:
        """Returns a page of at most `limit` backtests, newest first, and whether there are more."""
        found = await self._reads.page(tenant_id, before, limit + 1)
        return await self._told(found[:limit]), len(found) > limit

    async def cancel(self, tenant_id: str, backtest_id: UUID) -> ToldBacktest:
        """Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        found = await self._found(tenant_id, backtest_id)
        return ToldBacktest(found, await self._tasks.cancel(found.task_id))

    async def version(self, tenant_id: str, ref: VersionRef) -> ScenarioVersion:
        """Returns a version, or the draft as a version with the number 0.

        Raises RESOURCE_NOT_FOUND, and VALIDATION_FAILED for a draft that could not decide any more.
        """
        if ref.number:
            return await self._scenarios.version(tenant_id, ref)
        draft = await self._scenarios.content(tenant_id, ref.scenario_id)
        checked = await self._checks.content(tenant_id, draft)
        if checked.faults:
            raise errors.content_refused(checked.faults, "draft.")
        return ScenarioVersion(
            scenario_id=ref.scenario_id, number=0, content=draft, note="", authors=frozenset(), trees=checked.trees,
            created_at=self._clock(),
        )  # fmt: skip

    async def _found(self, tenant_id: str, backtest_id: UUID) -> Backtest:
        found = await self._reads.get(tenant_id, backtest_id)
        if found is None:
            raise errors.found_none("backtest")
        return found

    async def _told(self, backtests: Sequence[Backtest]) -> Sequence[ToldBacktest]:
        states = await states_of(self._tasks, [each.task_id for each in backtests])
        return [ToldBacktest(*each) for each in zip(backtests, states, strict=True)]


def _work(backtest: Backtest) -> OrderedWork:
    version = f"version {backtest.number}" if backtest.number else "the draft"
    title = f"Backtest of {version} of {backtest.scenario_id}"
    return OrderedWork(backtest.backtest_id, title, {"backtest_id": backtest.backtest_id})
