"""A decider with its ports in memory, whose tenants have scenarios of real expressions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from meshkit.context import CallContext
from meshkit.errors import MeshError
from meshkit.rpc.batches import handle_valid
from services.fraud.adapters.graph.memory_graph import MemoryGraph
from services.fraud.adapters.logs.memory_logs import MemoryLogs
from services.fraud.adapters.memory import MemoryRates, MemoryRiskProfiles, MemoryStore
from services.fraud.adapters.memory_daily import MemoryDailyTotals
from services.fraud.adapters.memory_ip import MemoryIpIntelligence
from services.fraud.domain.check import Check, Decided
from services.fraud.domain.declared.declaration import DeclaredFeatures, DeclaredSet, Definition
from services.fraud.domain.declared.feature import Feature
from services.fraud.domain.declared.graph import GraphFeature
from services.fraud.domain.declared.starter import STARTER_FEATURES
from services.fraud.domain.event_types import BUILT_IN
from services.fraud.domain.scenarios.deployment import Deployment
from services.fraud.domain.scenarios.publication import DeploymentState
from services.fraud.domain.scenarios.rule import RuleOutcome, ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent, ScenarioVersion
from services.fraud.domain.scenarios.vocabulary import variables_of
from services.fraud.expressions.rules import CelRules
from services.fraud.ports import Declarations, IpIntelligence
from services.fraud.ports.scenarios import DeclaredScenarios
from services.fraud.service.daily.reading import DailyReader
from services.fraud.service.deciding.decider import CheckCall, Decider, Outcome
from services.fraud.service.deciding.judging import DecisionPolicy
from services.fraud.service.features.beside import BesideLogs
from services.fraud.service.features.reading import FeatureReader
from services.fraud.service.graph.reading import GraphReader
from services.fraud.service.logs.completing import Completer
from services.fraud.service.logs.fold_cache import FoldCache
from services.fraud.service.logs.folds import LogFolds
from services.fraud.service.logs.unlogged import UnloggedDecisions
from services.fraud.service.tenants.configuration import compiled
from services.fraud.service.tenants.features import TenantFeatures
from services.fraud.service.tenants.rates import ExchangeRates
from services.fraud.service.tenants.states import TenantState
from tests.support.features import following
from tests.support.fraud import principal, request, to_call

__all__ = ["DecidingBench", "ruled", "version_of"]

STARTED = datetime(2026, 7, 1, 12, tzinfo=UTC)


def ruled(code: str, expression: str, contribution: float = 0.6, outcome: str = "") -> ScenarioRule:
    return ScenarioRule(
        rule_id=code.lower(), code=code, words=f"{code} applies.", expression=expression,
        contribution=contribution, outcome=RuleOutcome(outcome),
    )  # fmt: skip


def version_of(
    number: int,
    *rules: ScenarioRule,
    scenario_id: str = "cards",
    event_type: str = "payment",
    features: Sequence[Feature | GraphFeature] = (),
    derived: Sequence[str] = (),
    **content: Any,
) -> ScenarioVersion:
    """Makes a version, its expressions checked as they are when somebody saves them."""
    read: list[Feature | GraphFeature] = [*STARTER_FEATURES, *features]
    known = [each for each in read if each.event_type == event_type]
    variables = variables_of(BUILT_IN[event_type], known, derived=derived)
    trees = [CelRules().check(rule.expression, variables) for rule in rules]
    assert all(isinstance(tree, str) for tree in trees), trees
    return ScenarioVersion(
        scenario_id=scenario_id, number=number,
        content=ScenarioContent(event_type=event_type, rules=rules, **content), note="", authors=frozenset(),
        trees=tuple(map(str, trees)), created_at=STARTED,
    )  # fmt: skip


@dataclass
class DecidingBench:
    """Every tenant has the same deployment. The clock is `now`, and goes on by `step` with each check."""

    deployment: Deployment = field(default_factory=Deployment)
    versions: Sequence[ScenarioVersion] = ()
    on_commit: Callable[[Decided], None] = lambda _: None
    features: Sequence[Definition] = ()
    """That are declared, beside those that every tenant has."""
    linked: bool = True
    """Whether the graph is whole, where features are of it."""
    ip: IpIntelligence = field(
        default_factory=lambda: MemoryIpIntelligence({"country": {}, "tor": {}, "datacenter": {}})
    )
    now: datetime = STARTED
    step: timedelta = timedelta(seconds=1)

    def __post_init__(self) -> None:
        self.logs = MemoryLogs(lambda: self.now.timestamp())
        self.store, self.profiles, self.rates = MemoryStore(), MemoryRiskProfiles(), MemoryRates()
        folds = LogFolds(self.logs, Completer(self.logs, self.store), FoldCache(1 << 20), UnloggedDecisions(self.store))
        self.deploy(self.deployment, self.versions)
        self.graph = MemoryGraph()
        self.beside = BesideLogs(DailyReader(MemoryDailyTotals()), GraphReader(self.graph, clock=lambda: self.now))
        self.decider = Decider(
            reader=FeatureReader(self.logs, folds, self, self.ip, self.beside, lambda: self.now),
            profiles=self.profiles,
            rates=ExchangeRates(self.rates),
            store=self.store,
            policy=DecisionPolicy(),
            states=self._state,
            ip=self.ip,
            on_commit=lambda made: self.on_commit(made),
            clock=lambda: self.now,
        )

    def deploy(self, deployment: Deployment, versions: Sequence[ScenarioVersion] = ()) -> None:
        self.versions = versions or self.versions
        event_type = self.versions[0].content.event_type if self.versions else "payment"
        declared = DeclaredScenarios(deployments=[DeploymentState(event_type, deployment)], versions=self.versions)
        found = DeclaredSet()
        for each in self.features:
            found = following(found, each)
        features = DeclaredFeatures(found, found, linked=self.linked)
        self.state = TenantState(compiled(Declarations(scenarios=declared, features=features)))

    async def prepare(self, tenants: Collection[str]) -> None:
        """Is the feature sets of its tenants; see `of`."""

    def of(self, _: str) -> TenantFeatures:
        return self.state.configuration.features

    async def _state(self, _: str, seconds: float = 0.0) -> TenantState:
        return self.state

    async def decide(self, tenant: str, *requests: dict[str, Any]) -> Sequence[Outcome]:
        """Decides about payments, each in a batch of its own and later than the one before."""
        answers: list[Outcome] = []
        for fields in requests:
            self.now += self.step
            stamp = Timestamp()
            stamp.FromDatetime(fields.pop("event_time", self.now))
            asked = request(event_time=stamp, **fields)
            answers.append(await self._answer(to_call(tenant, asked, "fraud:backfill", currency="USD")))
        return answers

    async def decide_check(self, asked: Check) -> Outcome:
        """Decides about an event of whatever type."""
        return await self._answer(
            CheckCall(asked, CallContext("r-1", principal=principal(asked.tenant_id, "fraud:backfill")))
        )

    async def _answer(self, call: CheckCall | MeshError) -> Outcome:
        (answer,) = await handle_valid([call], self.decider.decide)
        assert not isinstance(answer, MeshError), answer
        return answer
