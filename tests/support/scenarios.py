"""Scenarios in memory, whose expressions may use the names of built-in event types."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.fraud.adapters.memory_scenarios import MemoryScenarioRows, MemoryScenarios, MemoryScenarioWriter
from services.fraud.domain.declared.starter import STARTER_FEATURES
from services.fraud.domain.event_types import BUILT_IN, FieldType
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.publication import Actor
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent
from services.fraud.domain.scenarios.vocabulary import variables_of
from services.fraud.expressions.rules import CelRules
from services.fraud.service.scenarios.drafts import ScenarioService
from services.fraud.service.scenarios.publishing import Publishing, UsualCounts, nothing_usual
from services.fraud.service.scenarios.rule_checks import RuleChecks
from tests.support.scorers import FakeModels, FakeScorer

__all__ = ["BuiltInNames", "ScenarioBench", "rule"]


class BuiltInNames:
    """Implements `Vocabularies` for the built-in event types, and `lists`."""

    def __init__(self) -> None:
        self.lists: list[str] = []

    async def variables(self, tenant_id: str, event_type: str) -> Mapping[str, ValueKind] | None:
        found = BUILT_IN.get(event_type)
        return variables_of(found, STARTER_FEATURES if event_type == "payment" else (), self.lists) if found else None

    async def keys(self, tenant_id: str) -> Mapping[str, FieldType]:
        return {field.name: field.type for each in BUILT_IN.values() for field in each.keys}


def rule(code: str, contribution: float = 0.5, expression: str = "amount > 100.0", outcome: str = "") -> ScenarioRule:
    return ScenarioRule(
        rule_id=code.lower(), code=code, words=f"{code} applies.", expression=expression,
        contribution=contribution, outcome=RuleOutcome(outcome),
    )  # fmt: skip


class _InTransactions:
    """Calls what changes something as (tenant, person, ...), each in a transaction, and what reads as it is."""

    def __init__(self, service: object, writer: MemoryScenarioWriter) -> None:
        self._service = service
        self._writer = writer

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._service, name)
        if "changes" not in inspect.signature(method).parameters:
            return method

        async def call(tenant: str, *rest: Any) -> Any:
            async with self._writer.begin(tenant) as changes:
                if "actor" in inspect.signature(method).parameters:
                    return await method(changes, Actor(tenant, rest[0]), *rest[1:])
                return await method(changes, *([tenant] if name == "trip" else []), *rest)

        return call


@dataclass
class ScenarioBench:
    """The use cases on a store in memory, with a clock that each look at it moves by a second."""

    now: datetime = datetime(2026, 7, 1, tzinfo=UTC)
    rows: MemoryScenarioRows = field(default_factory=MemoryScenarioRows)

    def __post_init__(self) -> None:
        self.reads = MemoryScenarios(self.rows)
        self.writer = MemoryScenarioWriter(self.rows)
        self.names = BuiltInNames()
        self.checks = RuleChecks(CelRules(), self.names, FakeModels(FakeScorer()))
        self.scenarios: Any = _InTransactions(ScenarioService(self.reads, self.checks, self.clock), self.writer)
        self.publishing = self.publishing_with()

    def publishing_with(self, usual: UsualCounts = nothing_usual) -> Any:
        return _InTransactions(Publishing(self.clock, usual, self.checks.faults), self.writer)

    def clock(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    async def version(self, tenant: str, author: str, *codes: str, scenario_id: str = "cards") -> int:
        """Makes a version of rules with these codes and returns its number."""
        content = ScenarioContent(event_type="payment", rules=tuple(rule(code) for code in codes))
        if await self.reads.get(tenant, scenario_id) is None:
            await self.scenarios.create(tenant, author, scenario_id, content)
        await self.scenarios.edit(tenant, author, scenario_id, lambda _: content)
        number: int = (await self.scenarios.make_version(tenant, author, scenario_id)).number
        return number
