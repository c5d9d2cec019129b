"""Versions in the shadow judge what was decided, and nobody who asks for a decision notices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from rampart.fraud.v1 import decision_pb2

from meshkit.errors import unavailable
from services.fraud.adapters.memory_shadows import MemoryShadowReports
from services.fraud.domain.check import Decided
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.domain.scenarios.judging import Judgement
from services.fraud.domain.scenarios.shadows import RuleCounts, Shadow, ShadowExample, ShadowReport
from services.fraud.ports.shadows import ShadowKey, ShadowPart
from services.fraud.service.deciding.decider import Outcome
from services.fraud.service.scenarios.shadowing import ShadowRuns
from tests.support.deciding import DecidingBench, ruled, version_of
from tests.support.fraud import new_tenant

TENANT = new_tenant()
LIVE = version_of(1, ruled("HIGH", "amount > 100.0"), ruled("ALWAYS", "amount > 0.0", 0.1))
STRICT = version_of(
    2, ruled("HIGH", "amount > 50.0"), ruled("HUGE", "amount > 1000.0", 0.0, "decline"),
    ruled("DIVIDED", "user_count_1m / (user_count_1m - 1) > 5"), ruled("COUNTRY", 'ip.country == "XX"'),
)  # fmt: skip
DEPLOYED = Deployment(live=LIVE.ref, shadows=(STRICT.ref,))


class Reports(MemoryShadowReports):
    """Away when told so; remembers how often it was asked to save."""

    def __init__(self) -> None:
        super().__init__()
        self.away, self.saves = False, 0

    async def save(self, parts: Mapping[ShadowPart, ShadowReport]) -> None:
        self.saves += 1
        if self.away:
            raise unavailable("postgres")
        await super().save(parts)


class Shadows:
    """A bench whose committed decisions go to the shadows."""

    def __init__(self, **options: Any) -> None:
        self.reports = Reports()
        self.runs = ShadowRuns(self.reports, **options)
        self.bench = DecidingBench(DEPLOYED, (LIVE, STRICT), on_commit=self.runs.add)
        self.running: asyncio.Task[None] | None = None

    async def judged(self) -> None:
        """Waits until nothing waits."""
        self.running = self.running or asyncio.create_task(self.runs.run())
        async with asyncio.timeout(10):
            while self.runs._waiting:
                await asyncio.sleep(0.001)

    async def report(self, tenant: str = TENANT) -> ShadowReport:
        await self.judged()
        await self.runs.flush()
        return await self.reports.read(ShadowKey(tenant, STRICT.ref))


@pytest.fixture
async def shadows() -> AsyncIterator[Shadows]:
    made = Shadows()
    yield made
    if made.running is not None:
        made.running.cancel()


def paid(*amounts: float) -> list[dict[str, Any]]:
    return [{"transaction_amount": amount} for amount in amounts]


def told(answer: Outcome) -> tuple[Any, ...]:
    """Returns what the caller is told, without what is new each time."""
    decision = decision_pb2.Decision.FromString(answer.answer)
    return (
        decision.outcome, decision.confidence_score, [*decision.risk_factors], decision.rules_version,
        [*decision.degraded], [*decision.failed_rules],
    )  # fmt: skip


async def test_differences_are_counted_exactly(shadows: Shadows) -> None:
    answers = await shadows.bench.decide(TENANT, *paid(10, 60, 70, 120, 2000))
    report = await shadows.report()
    assert (report.decisions, report.missed, report.failed) == (5, 0, 0)
    assert report.outcomes == {
        ("approve", "approve"): 1, ("approve", "review"): 2, ("review", "review"): 1, ("review", "decline"): 1,
    }  # fmt: skip
    assert report.rules == {
        "HIGH": RuleCounts(answered=0, shadowed=2, both=2),
        "ALWAYS": RuleCounts(answered=5, shadowed=0, both=0),
        "HUGE": RuleCounts(answered=0, shadowed=1, both=0),
    }
    assert report.errors == {"divided": 1}
    assert report.not_enough_data == {"country": 5}
    ids = [decision_pb2.Decision.FromString(each.answer).decision_id for each in answers]
    assert report.examples == [
        ShadowExample(ids[4], "review", "decline", ("ALWAYS",), ("HUGE",)),
        ShadowExample(ids[2], "approve", "review", ("ALWAYS",), ("HIGH",)),
        ShadowExample(ids[1], "approve", "review", ("ALWAYS",), ("HIGH",)),
    ]
    assert (report.since, report.until) == (shadows.bench.now - timedelta(seconds=4), shadows.bench.now)


async def test_a_shadow_judges_only_what_it_looked_on_at(shadows: Shadows) -> None:
    await shadows.bench.decide(TENANT, *paid(10))
    shadows.bench.deploy(Deployment(live=LIVE.ref))
    await shadows.bench.decide(TENANT, *paid(10, 10))
    assert (await shadows.report()).decisions == 1, "only what it looked on at"


async def test_tenants_have_reports_of_their_own(shadows: Shadows) -> None:
    other = new_tenant()
    await shadows.bench.decide(TENANT, *paid(10, 60))
    await shadows.bench.decide(other, *paid(10))
    assert (await shadows.report()).decisions == 2
    assert (await shadows.report(other)).decisions == 1


def raising() -> Judgement:
    raise RecursionError("a bug")


def slow() -> Judgement:
    time.sleep(0.02)
    raise ValueError


@pytest.mark.parametrize("broken", [raising, slow])
async def test_a_shadow_that_fails_or_is_slow_changes_no_answer(broken: Callable[[], Judgement]) -> None:
    plain = DecidingBench(Deployment(live=LIVE.ref), (LIVE,))
    expected = [told(each) for each in await plain.decide(TENANT, *paid(10, 60, 120))]
    shadows = Shadows()

    def replaced(made: Decided) -> None:
        shadows.runs.add(made._replace(shadows=[Shadow(STRICT.ref, broken), *made.shadows]))

    shadows.bench.on_commit = replaced
    answers = [told(each) for each in await shadows.bench.decide(TENANT, *paid(10, 60, 120))]
    assert answers == expected
    report = await shadows.report()
    assert (report.failed, report.decisions) == (3, 3), "the others go on"
    assert shadows.running is not None and not shadows.running.done()
    shadows.running.cancel()


async def test_nothing_is_judged_before_the_answer_and_never_what_was_not_committed(shadows: Shadows) -> None:
    await shadows.bench.decide(TENANT, *paid(60))
    assert not shadows.runs._counted, "only queued"
    again = {"transaction_id": "t-1", "transaction_amount": 60.0, "event_time": shadows.bench.now}
    await shadows.bench.decide(TENANT, dict(again))
    await shadows.bench.decide(TENANT, dict(again))
    assert (await shadows.report()).decisions == 2, "a retry is no decision"


async def test_what_is_too_much_is_missed_and_said() -> None:
    shadows = Shadows(most_waiting=3)
    await shadows.bench.decide(TENANT, *paid(*range(1, 9)))
    report = await shadows.report()
    assert (report.decisions, report.missed) == (3, 5)
    assert shadows.running is not None
    shadows.running.cancel()


async def test_the_event_loop_is_held_for_a_slice_at_a_time() -> None:
    ticks = iter(range(1_000_000))
    # A clock that goes on by 0.4 ms with each look: a slice of 1 ms is over after 3 decisions.
    shadows = Shadows(clock=lambda: next(ticks) * 0.0004)
    await shadows.bench.decide(TENANT, *paid(*range(1, 31)))
    shadows.runs._judge_for(0.001)
    assert 27 <= len(shadows.runs._waiting) < 30


async def test_an_outage_of_the_store_loses_nothing(shadows: Shadows) -> None:
    await shadows.bench.decide(TENANT, *paid(10))
    await shadows.judged()
    shadows.reports.away = True
    with pytest.raises(Exception, match="postgres"):
        await shadows.runs.flush()
    shadows.reports.away = False
    assert (await shadows.report()).decisions == 1
    await shadows.bench.decide(TENANT, *paid(60))
    assert (await shadows.report()).decisions == 2
    saves = shadows.reports.saves
    await shadows.runs.flush()
    assert shadows.reports.saves == saves, "what has not changed is not stored again"


async def test_what_waits_is_judged_and_stored_when_the_process_ends(shadows: Shadows) -> None:
    await shadows.bench.decide(TENANT, *paid(10, 60))
    await shadows.runs.close()
    assert (await shadows.reports.read(ShadowKey(TENANT, STRICT.ref))).decisions == 2


async def test_examples_are_bounded(shadows: Shadows) -> None:
    await shadows.bench.decide(TENANT, *paid(*[60.0 + place for place in range(1, 40)]))
    report = await shadows.report()
    assert len(report.examples) == 20
    assert report.outcomes[("approve", "review")] == 39
