"""What scenarios cost: to decide by, to compile, to save. `python -m tests.load.scenarios`."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from meshkit.currencies import DIGITS
from services.fraud.domain.declared.starter import STARTER as FEATURES
from services.fraud.domain.declared.starter import STARTER_FEATURES
from services.fraud.domain.event import Money
from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.profile import Profile
from services.fraud.domain.rates import PAR
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.facts import EventFacts, value_reader
from services.fraud.domain.scenarios.judging import Standing
from services.fraud.domain.scenarios.rule import ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent, VersionRef
from services.fraud.domain.scenarios.starter import STARTER, STARTER_REF, starter_trees
from services.fraud.domain.scenarios.traffic import part_of
from services.fraud.expressions.rules import CelRules
from services.fraud.service.scenarios.rule_checks import RuleChecks
from tests.support.scenarios import BuiltInNames
from tests.support.scorers import FakeModels

T = TypeVar("T")
ROUNDS = 20_000
NOW = datetime.now(UTC)
NO_KEYS = dict[str, object]().get


def microseconds(step: Callable[[int], object], rounds: int = ROUNDS) -> float:
    """Returns what a step costs of this process's CPU, the least of five turns."""
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for place in range(rounds):
            step(place)
        best = min(best, time.process_time() - started)
    return best / rounds * 1e6


def some_facts(choice: random.Random) -> EventFacts:
    profile = Profile(True, choice.random(), choice.choice(["trusted", "standard", "standard", "elevated"]), 0)
    features = [None if feature.converted else int(choice.expovariate(0.5)) for feature in FEATURES.features]
    amount = Money(choice.randrange(30_000), "USD")
    return EventFacts({"user_id": "u1", "amount": amount}, features, "USD", 2, profile, None, PAR)


def starter() -> None:
    choice = random.Random(1)
    facts = [some_facts(choice) for _ in range(256)]
    compiled = CompiledScenario(STARTER_REF, STARTER, starter_trees())
    read = value_reader(compiled.names, PAYMENT, FEATURES, DIGITS)
    prepared = [read(each) for each in facts]
    standings = [Standing(each.profile.base_risk, each.profile.tier == "trusted") for each in facts if each.profile]
    decided = microseconds(lambda at: compiled.decide(prepared[at & 255], standings[at & 255], NO_KEYS, NOW))
    print(f"starter rules as a scenario        {decided:8.1f} us a decision, values at hand")
    values = microseconds(lambda at: read(facts[at & 255]))
    print(f"values of the facts                {values:8.1f} us a decision")
    print(
        f"part of the traffic                {microseconds(lambda at: part_of('tenant', 'payment', f'u{at}')):8.1f} us"
    )


async def watched(step: Callable[[], Awaitable[T]]) -> tuple[T, str]:
    """Does a step while the event loop is watched; returns its result and what it cost."""
    gaps: list[float] = []

    async def watch() -> None:
        while True:
            started = time.monotonic()
            await asyncio.sleep(0.001)
            gaps.append(time.monotonic() - started - 0.001)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    gaps.clear()
    started = time.process_time()
    result = await step()
    spent = time.process_time() - started
    await asyncio.sleep(0.01)
    watching.cancel()
    return result, f"{spent * 1e3:.0f} ms of CPU, longest pause of the loop {max(gaps) * 1e3:.1f} ms"


async def large(count: int) -> None:
    choice, names = random.Random(2), [each.name for each in STARTER_FEATURES if each.name.endswith(("h", "m"))]
    rules = tuple(
        ScenarioRule(
            rule_id=f"r{place}", code=f"R{place}", words="{amount:.2f} is much.", contribution=0.01,
            expression=f"amount > {choice.randrange(900)}.0 && {choice.choice(names)} >= {choice.randrange(5, 60)}",
        )
        for place in range(count)
    )  # fmt: skip
    content, ref = ScenarioContent(event_type="payment", rules=rules), VersionRef("large", 1)
    checks = RuleChecks(CelRules(), BuiltInNames(), FakeModels())
    checked, told = await watched(lambda: checks.content("t", content))
    assert not checked.faults, checked.faults
    print(f"{count} rules: checked, {told}")
    compiled, told = await watched(lambda: asyncio.to_thread(CompiledScenario, ref, content, checked.trees))
    print(f"{count} rules: compiled, {told}")
    values = [42.0 if name == "amount" else 3 for name in compiled.names]
    cost = microseconds(lambda _: compiled.decide(values, None, NO_KEYS, NOW), 2_000)
    print(f"{count} rules: {cost:.1f} us a decision")


def main() -> None:
    starter()
    for count in (250, 1_000):
        asyncio.run(large(count))


if __name__ == "__main__":
    main()
