"""Which version decides an event, compiled once, with what is snoozed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from services.fraud.domain.event_types import PAYMENT
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.deployment import Deployment, TrafficShare
from services.fraud.domain.scenarios.judging import Standing
from services.fraud.domain.scenarios.publication import DeploymentState
from services.fraud.domain.scenarios.rule import ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent, ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.snoozes import Snooze, Snoozes
from services.fraud.domain.scenarios.starter import STARTER_REF
from services.fraud.domain.scenarios.traffic import part_of
from services.fraud.domain.scenarios.vocabulary import variables_of
from services.fraud.domain.verdict import APPROVE, DECLINE
from services.fraud.expressions.rules import CelRules
from services.fraud.ports.scenarios import DeclaredScenarios
from services.fraud.service.tenants.scenarios import TenantScenarios

NOW = datetime(2026, 7, 1, tzinfo=UTC)
NO_KEYS = dict[str, object]().get
NOBODY = Standing(base_risk=0.0)


def keys(user: str) -> Callable[[str], object]:
    known: dict[str, object] = {"user_id": user}
    return known.get


def version(number: int, *expressions: str) -> ScenarioVersion:
    rules = tuple(
        ScenarioRule(rule_id=f"r{place}", code=f"R{place}", words="{amount}", expression=text, contribution=0.9)
        for place, text in enumerate(expressions)
    )
    variables = variables_of(PAYMENT)
    trees = [CelRules().check(text, variables) for text in expressions]
    assert all(isinstance(tree, str) for tree in trees), trees
    return ScenarioVersion(
        scenario_id="cards", number=number, content=ScenarioContent(event_type="payment", rules=rules), note="",
        authors=frozenset(), trees=tuple(map(str, trees)), created_at=NOW,
    )  # fmt: skip


FIRST, SECOND, THIRD = version(1, "amount > 5"), version(2, "amount > 1"), version(3, "amount > 7", "amount / 0 > 1.0")


def scenarios(deployment: Deployment) -> TenantScenarios:
    state = DeploymentState("payment", deployment)
    return TenantScenarios(DeclaredScenarios(deployments=[state], versions=[FIRST, SECOND, THIRD]))


def test_a_share_is_decided_by_its_version_and_the_rest_by_the_live_one() -> None:
    found = scenarios(Deployment(FIRST.ref, TrafficShare(SECOND.ref, 2_500), (THIRD.ref,)))
    for place in range(500):
        key = f"u{place}"
        deciding = found.deciding("t", "payment", key)
        expected = SECOND if part_of("t", "payment", key) < 2_500 else FIRST
        assert deciding.version is not None and deciding.version.ref == expected.ref
        assert [each.ref for each in deciding.shadows] == [THIRD.ref]


def test_where_nothing_was_deployed_the_starter_decides_payments() -> None:
    found = TenantScenarios(DeclaredScenarios())
    deciding = found.deciding("t", "payment", "u1")
    assert deciding.version is not None and deciding.version.ref == STARTER_REF
    assert found.deciding("t", "login", "u1").version is None
    assert found.guarded("payment").deployment.live == STARTER_REF


def test_a_version_is_compiled_once() -> None:
    one, other = (scenarios(Deployment(FIRST.ref)).deciding("t", "payment", "u1").version for _ in range(2))
    assert one is other


def test_a_version_decides_and_names_what_failed() -> None:
    compiled = CompiledScenario(THIRD.ref, THIRD.content, THIRD.trees)
    assert compiled.names == ("amount",)
    high = compiled.decide([8.5], NOBODY, NO_KEYS, NOW)
    assert (high.verdict.outcome, high.verdict.factors[0].message) == (DECLINE, "8.5")
    missing = compiled.decide([None], NOBODY, NO_KEYS, NOW)
    assert (missing.verdict.outcome, missing.not_enough_data) == (APPROVE, ("r0", "r1"))


def test_what_is_snoozed_for_the_key_does_not_count() -> None:
    compiled = CompiledScenario(FIRST.ref, FIRST.content, FIRST.trees)
    until = NOW + timedelta(minutes=1)
    asleep = Snoozes([Snooze(rule_id="r0", field="user_id", value="u1", until=until, created_at=NOW)])
    for user, outcome, named in (("u1", APPROVE, ("r0",)), ("u2", DECLINE, ())):
        judgement = compiled.decide([9.0], NOBODY, keys(user), NOW, asleep)
        assert (judgement.verdict.outcome, judgement.snoozed) == (outcome, named)
    assert compiled.decide([9.0], NOBODY, keys("u1"), until, asleep).verdict.outcome == DECLINE


def test_versions_are_named_by_scenario_and_number() -> None:
    assert str(VersionRef("cards", 3)) == "cards@3"
