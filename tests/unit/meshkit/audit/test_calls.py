"""Calls of audited methods are in the log before they take effect, and how they ended after that."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from google.protobuf.descriptor import ServiceDescriptor
from rampart.fraud.v1 import fraud_service_pb2, list_service_pb2, scenario_service_pb2

from meshkit.audit import calls as module
from meshkit.audit.calls import CallAudit
from meshkit.audit.targets import target_of
from meshkit.audit.windows import AuditWindows
from meshkit.context import CallContext, Principal
from meshkit.errors import Kind, MeshError, unavailable
from meshkit.identity.policy import PolicyError, policies
from meshkit.rpc.interceptors.audit import check_audited
from tests.support.audit import KeptReports

SCENARIOS: ServiceDescriptor = scenario_service_pb2.DESCRIPTOR.services_by_name["ScenarioService"]
LISTS: ServiceDescriptor = list_service_pb2.DESCRIPTOR.services_by_name["ListService"]
FRAUD: ServiceDescriptor = fraud_service_pb2.DESCRIPTOR.services_by_name["FraudService"]
DEPLOY = policies([SCENARIOS])["/rampart.fraud.v1.ScenarioService/DeployScenario"]
READ = replace(DEPLOY, audited=False, rate_class="read", elevated_scope="pii:read")
DENIED = MeshError(Kind.PERMISSION_DENIED, "SCOPE_MISSING", "no")
FAILED = MeshError(Kind.ABORTED, "CONFLICT", "no")


class World:
    """The calls of one process and what the log got."""

    def __init__(self, *, ahead: bool = True) -> None:
        self.log = KeptReports()
        self.windows = AuditWindows(self.log, lambda: 1.0)
        self.audit = CallAudit(self.log, self.windows, lambda: 1.0, ahead=ahead)
        self.call = CallContext(request_id="r1", peer="service/gateway")
        self.call.principal = Principal("t1", "c1", frozenset({"pii:read"}), 1, "USD", "anna")
        self.seen: list[str] = []

    async def handle(self, error: BaseException | None = None) -> str:
        self.seen += [each.outcome for each in self.log.reports]
        if error is not None:
            raise error
        return "answer"

    async def outcomes(self) -> list[tuple[str, str]]:
        await self.windows.flush()
        return [(each.outcome, each.reason) for each in self.log.reports]


async def test_audited_call_is_in_the_log_before_it_takes_effect() -> None:
    world = World()
    assert await world.audit.let_in(world.call, DEPLOY, "scenarios/a", world.handle) == "answer"
    assert world.seen == ["started"]
    assert await world.outcomes() == [("started", ""), ("done", "")]
    for report in world.log.reports:
        assert (report.tenant_id, report.actor, report.client_id) == ("t1", "anna", "c1")
        assert (report.action, report.target) == ("rampart.fraud.v1.ScenarioService/DeployScenario", "scenarios/a")
        assert (report.request_id, report.peer) == ("r1", "service/gateway")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (DENIED, ("refused", "SCOPE_MISSING")),
        (FAILED, ("failed", "CONFLICT")),
        (RuntimeError(), ("failed", "")),
        (asyncio.CancelledError(), ("failed", "")),
    ],
)
async def test_how_it_failed_is_in_the_log(error: BaseException, outcome: tuple[str, str]) -> None:
    world = World()
    with pytest.raises(type(error)):
        await world.audit.let_in(world.call, DEPLOY, "", lambda: world.handle(error))
    assert await world.outcomes() == [("started", ""), outcome]


async def test_nothing_takes_effect_without_the_log() -> None:
    world = World()
    world.log.failure = unavailable("auth")
    with pytest.raises(MeshError) as refused:
        await world.audit.let_in(world.call, DEPLOY, "", world.handle)
    assert (refused.value.kind, refused.value.metadata) == (Kind.UNAVAILABLE, {"dependency": "audit log"})
    world.log.failure = None
    assert (world.seen, await world.outcomes()) == ([], [])


async def test_log_that_takes_too_long_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECORD_SECONDS", 0.01)
    world = World()

    class Slow:
        async def report(self, _: object) -> None:
            await asyncio.sleep(60)

    audit = CallAudit(Slow(), world.windows, lambda: 1.0)
    with pytest.raises(MeshError, match="audit log"):
        await audit.let_in(world.call, DEPLOY, "", world.handle)
    assert world.seen == []


async def test_service_that_keeps_the_log_tells_it_afterwards_alone() -> None:
    world = World(ahead=False)
    await world.audit.let_in(world.call, DEPLOY, "", world.handle)
    assert await world.outcomes() == [("done", "")]


async def test_use_of_an_elevated_scope_is_counted() -> None:
    world = World()
    for _ in range(3):
        await world.audit.let_in(world.call, READ, "", world.handle)
    assert await world.outcomes() == [("done", "pii:read")]
    assert world.log.reports[0].details == {"count": "3"}
    assert world.audit.concerns(READ)
    assert not world.audit.concerns(replace(READ, elevated_scope=""))
    assert not world.audit.concerns(replace(READ, rate_class="decision"))


async def test_who_does_not_have_the_scope_does_not_use_it() -> None:
    world = World()
    world.call.principal = Principal("t1", "c1", frozenset({"case:read"}), 1, "USD")
    await world.audit.let_in(world.call, READ, "", world.handle)
    assert await world.outcomes() == []


async def test_refusals_alone_are_refused_calls() -> None:
    world = World()
    for error in (DENIED, FAILED, unavailable("auth"), MeshError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", "no")):
        world.audit.refused(world.call, DEPLOY.path, error)
    assert await world.outcomes() == [("refused", "SCOPE_MISSING"), ("refused", "TOKEN_INVALID")]


def test_target_is_the_resource_of_the_path() -> None:
    deploy = target_of(SCENARIOS.methods_by_name["DeployScenario"])
    request = scenario_service_pb2.DeployScenarioRequest(scenario_id="checkout", version=3)
    assert deploy(request) == "scenarios/checkout/versions/3"
    update = target_of(LISTS.methods_by_name["UpdateList"])
    sent = list_service_pb2.UpdateListRequest()
    sent.list.name = "blocked"
    assert update(sent) == "lists/blocked"
    rates = target_of(FRAUD.methods_by_name["ReplaceExchangeRates"])
    assert rates(fraud_service_pb2.ReplaceExchangeRatesRequest()) == "exchange-rates"
    assert target_of(FRAUD.methods_by_name["ReadEvents"])(fraud_service_pb2.ReadEventsRequest()) == ""


def test_service_whose_calls_nobody_would_tell_of_does_not_start() -> None:
    with pytest.raises(PolicyError, match="is audited"):
        check_audited([SCENARIOS], None)
    check_audited([SCENARIOS], World().audit)
