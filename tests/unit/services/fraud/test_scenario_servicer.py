"""ScenarioService over its messages, on a store in memory."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from rampart.fraud.v1 import scenario_pb2
from rampart.fraud.v1 import scenario_service_pb2 as pb

from meshkit.context import CallContext, Principal, set_current
from meshkit.errors import MeshError
from meshkit.named_requests import IdempotentChanges
from services.fraud.adapters.memory_shadows import MemoryShadowReports
from services.fraud.domain.scenarios.breaker import OutcomeCounts
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scenarios.shadows import RuleCounts, ShadowExample, ShadowReport
from services.fraud.expressions.rules import CelRules
from services.fraud.ports.shadows import ShadowKey, ShadowPart
from services.fraud.service.scenarios.deployments import Deployments
from services.fraud.service.scenarios.drafts import ScenarioService
from services.fraud.service.scenarios.publishing import Publishing
from services.fraud.service.scenarios.rule_checks import RuleChecks
from services.fraud.service.scenarios.snoozing import Snoozing
from services.fraud.servicer import (
    DeploymentCalls,
    ScenarioCalls,
    ScenarioEdits,
    ScenarioServicer,
    ShadowCalls,
    SnoozeCalls,
)
from tests.support.continuations import PAGES
from tests.support.scenarios import BuiltInNames, ScenarioBench
from tests.support.scorers import FakeModels

HIGH = scenario_pb2.ScenarioRule(
    rule_id="high", code="HIGH", words="{amount:.2f} is high.", expression="amount > 500", contribution=0.4
)


class Wire:
    """Calls methods as a subject of a tenant."""

    def __init__(self) -> None:
        bench = ScenarioBench()
        edits = ScenarioEdits(IdempotentChanges(bench.writer))
        checks = RuleChecks(CelRules(), BuiltInNames(), FakeModels())
        deployed = Deployments(bench.reads, self.usual)
        service = ScenarioService(bench.reads, checks, bench.clock)
        self.reports = MemoryShadowReports()
        self.servicer: Any = ScenarioServicer(
            ScenarioCalls(edits, service, checks, deployed, PAGES),
            DeploymentCalls(edits, Publishing(bench.clock, self.usual), deployed, PAGES),
            SnoozeCalls(edits, Snoozing(bench.reads, BuiltInNames(), bench.clock), PAGES, bench.clock),
            ShadowCalls(service, self.reports),
        )

    async def usual(self, *_: object) -> OutcomeCounts:
        return OutcomeCounts(200, 3, 9)

    async def call(self, method: str, request: Any, *, subject: str = "alice", tenant: str = "t") -> Any:
        caller = Principal(tenant, "client-1", frozenset(), 100, "USD", subject)
        set_current(CallContext(request_id="r-1", principal=caller))
        return await getattr(self.servicer, method)(request, None)

    async def refused(self, method: str, request: Any, **whom: str) -> MeshError:
        with pytest.raises(MeshError) as caught:
            await self.call(method, request, **whom)
        return caught.value

    async def scenario(self, *rules: scenario_pb2.ScenarioRule) -> Any:
        draft = scenario_pb2.ScenarioContent(event_type="payment", rules=rules)
        return await self.call("CreateScenario", pb.CreateScenarioRequest(scenario_id="cards", draft=draft))

    async def version(self, *rules: scenario_pb2.ScenarioRule) -> Any:
        await self.scenario(*rules)
        return await self.call("CreateScenarioVersion", pb.CreateScenarioVersionRequest(scenario_id="cards"))


@pytest.fixture
def wire() -> Wire:
    return Wire()


async def test_absent_shares_have_their_defaults_and_zero_is_zero(wire: Wire) -> None:
    draft = scenario_pb2.ScenarioContent(event_type="payment", review_at=0.0)
    made = await wire.call("CreateScenario", pb.CreateScenarioRequest(scenario_id="cards", draft=draft))
    found = made.scenario.draft
    assert (found.review_at, found.decline_at, found.prior_share, found.trust_share) == (0.0, 0.8, 0.5, 0.5)


async def test_faults_are_named_as_the_request_has_them(wire: Wire) -> None:
    bad = scenario_pb2.ScenarioRule(rule_id="r", code="R", words="{x}", expression="amount > \n oops", contribution=2)
    draft = scenario_pb2.ScenarioContent(event_type="payment", rules=[HIGH, bad])
    error = await wire.refused("CreateScenario", pb.CreateScenarioRequest(scenario_id="cards", draft=draft))
    assert {each.field for each in error.violations} == {
        "draft.rules[1].words", "draft.rules[1].contribution", "draft.rules[1].expression",
    }  # fmt: skip
    await wire.scenario(HIGH)
    error = await wire.refused("CreateScenarioRule", pb.CreateScenarioRuleRequest(scenario_id="cards", rule=bad))
    places = {each.field: each.message for each in error.violations}
    assert set(places) == {"rule.words", "rule.contribution", "rule.expression"}
    assert places["rule.expression"].startswith("line 2, column 2: ")


async def test_a_rule_is_changed_in_the_state_that_was_seen(wire: Wire) -> None:
    await wire.scenario(HIGH)
    asked = pb.GetScenarioRuleRequest(scenario_id="cards", rule_id="high")
    seen = (await wire.call("GetScenarioRule", asked)).rule
    change = scenario_pb2.ScenarioRule(rule_id="high", contribution=0.6, etag=seen.etag)
    request = pb.UpdateScenarioRuleRequest(scenario_id="cards", rule=change)
    updated = (await wire.call("UpdateScenarioRule", request)).rule
    assert (updated.contribution, updated.words, updated.etag != seen.etag) == (0.6, HIGH.words, True)
    assert (await wire.refused("UpdateScenarioRule", request)).reason == "ETAG_MISMATCH"
    gone = pb.DeleteScenarioRuleRequest(scenario_id="cards", rule_id="high", etag=seen.etag)
    assert (await wire.refused("DeleteScenarioRule", gone)).reason == "ETAG_MISMATCH"
    gone.etag = updated.etag
    await wire.call("DeleteScenarioRule", gone)
    assert (await wire.refused("GetScenarioRule", asked)).reason == "RESOURCE_NOT_FOUND"


async def test_a_new_rule_takes_no_others_place(wire: Wire) -> None:
    await wire.scenario(HIGH)
    request = pb.CreateScenarioRuleRequest(scenario_id="cards", rule=HIGH)
    assert (await wire.call("CreateScenarioRule", request)).rule.rule_id == "high"
    request.rule.contribution = 0.1
    assert (await wire.refused("CreateScenarioRule", request)).reason == "RESOURCE_EXISTS"


async def test_a_named_request_happens_once(wire: Wire) -> None:
    await wire.scenario()
    rule = scenario_pb2.ScenarioRule(code="HIGH", words="High.", expression="amount > 500", contribution=0.4)
    request = pb.CreateScenarioRuleRequest(scenario_id="cards", rule=rule, request_id=str(uuid4()))
    first = await wire.call("CreateScenarioRule", request)
    assert await wire.call("CreateScenarioRule", request) == first
    request.rule.contribution = 0.5
    assert (await wire.refused("CreateScenarioRule", request)).reason == "IDEMPOTENCY_CONFLICT"
    found = await wire.call("GetScenario", pb.GetScenarioRequest(scenario_id="cards"))
    assert len(found.scenario.draft.rules) == 1


async def test_a_named_roll_back_is_no_second_one(wire: Wire) -> None:
    await wire.version(HIGH)
    live = pb.DeployScenarioRequest(scenario_id="cards", version=1, target="live")
    await wire.call("DeployScenario", live)
    back = pb.RollBackScenarioRequest(scenario_id="cards", version=1, request_id=str(uuid4()))
    first = await wire.call("RollBackScenario", back)
    assert await wire.call("RollBackScenario", back) == first
    assert first.deployment.live.version.scenario_id == "starter"


async def test_what_is_exported_is_imported_elsewhere_with_its_rules(wire: Wire) -> None:
    made = (await wire.version(HIGH)).version
    request = pb.CreateScenarioRequest(scenario_id="copy", draft=made.content)
    copied = (await wire.call("CreateScenario", request, tenant="other")).scenario
    assert copied.draft == made.content
    assert [rule.rule_id for rule in copied.draft.rules] == ["high"]
    error = await wire.refused("GetScenario", pb.GetScenarioRequest(scenario_id="cards"), tenant="other")
    assert error.reason == "RESOURCE_NOT_FOUND"


async def test_lists_have_no_rules_and_go_on_page_by_page(wire: Wire) -> None:
    for number in range(3):
        draft = scenario_pb2.ScenarioContent(event_type="payment", rules=[HIGH])
        await wire.call("CreateScenario", pb.CreateScenarioRequest(scenario_id=f"s{number}", draft=draft))
    found, token = [], ""
    while True:
        page = await wire.call("ListScenarios", pb.ListScenariosRequest(page_size=2, page_token=token))
        found += [each.scenario_id for each in page.scenarios]
        assert not any(each.draft.rules for each in page.scenarios)
        token = page.next_page_token
        if not token:
            break
    assert found == ["s0", "s1", "s2"]


async def test_status_tells_what_decided_what_and_the_breaker(wire: Wire) -> None:
    await wire.version(HIGH)
    asked = pb.GetDeploymentRequest(event_type="payment")
    assert (await wire.call("GetDeployment", asked)).deployment.breaker == "idle"
    step = pb.DeployScenarioRequest(scenario_id="cards", version=1, target="share", share=250)
    shared = (await wire.call("DeployScenario", step)).deployment
    assert (shared.share.share, shared.breaker) == (250, "watching")
    found = (await wire.call("GetDeployment", asked)).deployment
    assert (found.live.counts.declines, found.share.counts.reviews) == (3, 9)
    version = pb.GetScenarioVersionRequest(scenario_id="cards", version=1)
    assert (await wire.call("GetScenarioVersion", version)).version.state == "share"


async def test_two_persons_are_told_apart_by_the_subject_of_their_tokens(wire: Wire) -> None:
    await wire.version(HIGH)
    policy = scenario_pb2.ScenarioPolicy(two_persons=True, declines=0.3, reviews=0.5, times=3, above=0.05)
    await wire.call("ReplaceScenarioPolicy", pb.ReplaceScenarioPolicyRequest(policy=policy))
    live = pb.DeployScenarioRequest(scenario_id="cards", version=1, target="live")
    (waiting,) = (await wire.call("DeployScenario", live)).deployment.publications
    approve = pb.ApprovePublicationRequest(event_type="payment", publication_id=waiting.publication_id)
    assert (await wire.refused("ApprovePublication", approve)).reason == "SECOND_PERSON_NEEDED"
    approved = await wire.call("ApprovePublication", approve, subject="bob")
    assert approved.deployment.live.version.scenario_id == "cards"
    history = await wire.call("ListTransitions", pb.ListTransitionsRequest(event_type="payment"))
    assert [(each.move, each.principal, each.requested_by) for each in history.transitions] == [
        ("live", "bob", "alice"),
        ("request", "alice", ""),
    ]


async def test_the_report_of_a_shadow_is_its_tenants_alone(wire: Wire) -> None:
    await wire.version(HIGH)
    asked = pb.GetShadowReportRequest(scenario_id="cards", version=1)
    assert (await wire.call("GetShadowReport", asked)).report.decisions == 0, "of one that was never in the shadow"
    report = ShadowReport(
        decisions=9, missed=1, outcomes={("approve", "approve"): 2, ("approve", "decline"): 7},
        rules={"A": RuleCounts(both=3), "HIGH": RuleCounts(shadowed=7)}, errors={"high": 1},
        examples=[ShadowExample("d-1", "approve", "decline", (), ("HIGH",))],
    )  # fmt: skip
    await wire.reports.save({ShadowPart(ShadowKey("t", VersionRef("cards", 1)), uuid4()): report})
    found = (await wire.call("GetShadowReport", asked)).report
    assert (found.decisions, found.missed, dict(found.errors)) == (9, 1, {"high": 1})
    assert [each.decisions for each in found.outcomes] == [7, 2]
    assert [(each.code, each.only_shadowed, each.both) for each in found.rules] == [("HIGH", 7, 0), ("A", 0, 3)]
    assert [*found.examples[0].only_shadowed] == ["HIGH"]
    assert (await wire.refused("GetShadowReport", asked, tenant="other")).reason == "RESOURCE_NOT_FOUND"


async def test_a_share_is_of_some_events(wire: Wire) -> None:
    step = pb.DeployScenarioRequest(scenario_id="starter", version=2, target="share")
    error = await wire.refused("DeployScenario", step)
    assert [(each.field, each.reason) for each in error.violations] == [("share", "uint32.gt")]


@pytest.mark.parametrize("target", ["live", "shadow"])
async def test_a_share_is_for_a_share_alone(wire: Wire, target: str) -> None:
    step = pb.DeployScenarioRequest(scenario_id="starter", version=2, target=target, share=1_000)
    error = await wire.refused("DeployScenario", step)
    assert [(each.field, each.reason) for each in error.violations] == [("share", "share.absent")]


async def test_a_policy_without_its_limits_is_refused_and_does_not_trip_at_the_first_decline(wire: Wire) -> None:
    policy = scenario_pb2.ScenarioPolicy(two_persons=True)
    error = await wire.refused("ReplaceScenarioPolicy", pb.ReplaceScenarioPolicyRequest(policy=policy))
    assert {each.field for each in error.violations} == {"policy.declines", "policy.reviews", "policy.times"}
