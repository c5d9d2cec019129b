"""Deployments, publications, policies and snoozes over gRPC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from rampart.fraud.v1 import scenario_service_pb2 as pb

from meshkit.context import principal
from meshkit.pages import Pages, page_size
from services.fraud import convert
from services.fraud.domain.scenarios.publication import Actor
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.ports.scenarios import ScenarioChanges, SnoozePlace
from services.fraud.service.scenarios.deployments import Deployments
from services.fraud.service.scenarios.publishing import Publishing
from services.fraud.service.scenarios.snoozing import Snoozing
from services.fraud.servicer.scenarios import Context, ScenarioEdits

__all__ = ["DeploymentCalls", "SnoozeCalls"]

NEWEST = (1 << 62) - 1


class DeploymentCalls:
    """What `ScenarioServicer` does with deployments and their policy."""

    def __init__(self, edits: ScenarioEdits, publishing: Publishing, deployed: Deployments, pages: Pages) -> None:
        self._edits = edits
        self._publishing = publishing
        self._deployed = deployed
        self._pages = pages

    async def DeployScenario(self, request: pb.DeployScenarioRequest, _: Context) -> pb.DeployScenarioResponse:
        step = convert.step_from_proto(request)

        async def deploy(changes: ScenarioChanges, who: Actor) -> pb.DeployScenarioResponse:
            state = await self._publishing.deploy(changes, who, step, request.reason)
            return pb.DeployScenarioResponse(deployment=convert.deployment_to_proto(state))

        return await self._edits.run(request, pb.DeployScenarioResponse, deploy)

    async def WithdrawScenario(self, request: pb.WithdrawScenarioRequest, _: Context) -> pb.WithdrawScenarioResponse:
        ref = VersionRef(request.scenario_id, request.version)

        async def withdraw(changes: ScenarioChanges, who: Actor) -> pb.WithdrawScenarioResponse:
            state = await self._publishing.withdraw(changes, who, ref, request.reason)
            return pb.WithdrawScenarioResponse(deployment=convert.deployment_to_proto(state))

        return await self._edits.run(request, pb.WithdrawScenarioResponse, withdraw)

    async def RollBackScenario(self, request: pb.RollBackScenarioRequest, _: Context) -> pb.RollBackScenarioResponse:
        ref = VersionRef(request.scenario_id, request.version)

        async def roll_back(changes: ScenarioChanges, who: Actor) -> pb.RollBackScenarioResponse:
            state = await self._publishing.roll_back(changes, who, ref, request.reason)
            return pb.RollBackScenarioResponse(deployment=convert.deployment_to_proto(state))

        return await self._edits.run(request, pb.RollBackScenarioResponse, roll_back)

    async def GetDeployment(self, request: pb.GetDeploymentRequest, _: Context) -> pb.GetDeploymentResponse:
        tenant_id = principal().tenant_id
        state = await self._deployed.get(tenant_id, request.event_type)
        counts = await self._deployed.counts(tenant_id, state)
        return pb.GetDeploymentResponse(deployment=convert.deployment_to_proto(state, counts))

    async def ListDeployments(self, _: pb.ListDeploymentsRequest, __: Context) -> pb.ListDeploymentsResponse:
        states = await self._deployed.all(principal().tenant_id)
        return pb.ListDeploymentsResponse(deployments=map(convert.deployment_to_proto, states))

    async def ListTransitions(self, request: pb.ListTransitionsRequest, _: Context) -> pb.ListTransitionsResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        before = int(place[0]) if place else NEWEST
        found, more = await self._deployed.history(tenant_id, request.event_type, before, size)
        following = self._pages.encode(tenant_id, request, [str(found[-1].number)]) if more else ""
        return pb.ListTransitionsResponse(
            transitions=map(convert.transition_to_proto, found), next_page_token=following
        )

    async def ApprovePublication(
        self, request: pb.ApprovePublicationRequest, _: Context
    ) -> pb.ApprovePublicationResponse:
        asked = UUID(request.publication_id)

        async def approve(changes: ScenarioChanges, who: Actor) -> pb.ApprovePublicationResponse:
            state = await self._publishing.approve(changes, who, request.event_type, asked)
            return pb.ApprovePublicationResponse(deployment=convert.deployment_to_proto(state))

        return await self._edits.run(request, pb.ApprovePublicationResponse, approve)

    async def RejectPublication(self, request: pb.RejectPublicationRequest, _: Context) -> pb.RejectPublicationResponse:
        asked = UUID(request.publication_id)

        async def reject(changes: ScenarioChanges, who: Actor) -> pb.RejectPublicationResponse:
            state = await self._publishing.reject(changes, who, request.event_type, asked, request.reason)
            return pb.RejectPublicationResponse(deployment=convert.deployment_to_proto(state))

        return await self._edits.run(request, pb.RejectPublicationResponse, reject)

    async def GetScenarioPolicy(self, _: pb.GetScenarioPolicyRequest, __: Context) -> pb.GetScenarioPolicyResponse:
        policy = await self._deployed.policy(principal().tenant_id)
        return pb.GetScenarioPolicyResponse(policy=convert.policy_to_proto(policy))

    async def ReplaceScenarioPolicy(
        self, request: pb.ReplaceScenarioPolicyRequest, _: Context
    ) -> pb.ReplaceScenarioPolicyResponse:
        policy = convert.policy_from_proto(request.policy)
        admits = convert.admits_revision_from_proto(request, request.policy.etag)

        async def replace(changes: ScenarioChanges, _: Actor) -> pb.ReplaceScenarioPolicyResponse:
            stored = await self._publishing.set_policy(changes, policy, admits)
            return pb.ReplaceScenarioPolicyResponse(policy=convert.policy_to_proto(stored))

        return await self._edits.run(request, pb.ReplaceScenarioPolicyResponse, replace)


class SnoozeCalls:
    """What `ScenarioServicer` does with snoozes."""

    def __init__(self, edits: ScenarioEdits, snoozing: Snoozing, pages: Pages, clock: Callable[[], datetime]) -> None:
        self._edits = edits
        self._snoozing = snoozing
        self._pages = pages
        self._clock = clock

    async def SnoozeRule(self, request: pb.SnoozeRuleRequest, _: Context) -> pb.SnoozeRuleResponse:
        async def snooze(changes: ScenarioChanges, who: Actor) -> pb.SnoozeRuleResponse:
            asked = convert.snooze_from_proto(request.snooze, who.name, self._clock())
            stored = await self._snoozing.snooze(changes, who.tenant_id, asked)
            return pb.SnoozeRuleResponse(snooze=convert.snooze_to_proto(stored))

        return await self._edits.run(request, pb.SnoozeRuleResponse, snooze)

    async def ListSnoozes(self, request: pb.ListSnoozesRequest, _: Context) -> pb.ListSnoozesResponse:
        tenant_id, size = principal().tenant_id, page_size(request.page_size)
        place = self._pages.decode(tenant_id, request, request.page_token, 3)
        found, more = await self._snoozing.page(tenant_id, SnoozePlace(*place) if place else SnoozePlace(), size)
        last = found[-1] if more else None
        following = self._pages.encode(tenant_id, request, [last.rule_id, last.field, last.value]) if last else ""
        return pb.ListSnoozesResponse(snoozes=map(convert.snooze_to_proto, found), next_page_token=following)

    async def EndSnooze(self, request: pb.EndSnoozeRequest, _: Context) -> pb.EndSnoozeResponse:
        place = SnoozePlace(request.rule_id, request.field, request.value)

        async def end(changes: ScenarioChanges, who: Actor) -> pb.EndSnoozeResponse:
            await self._snoozing.end(changes, who.tenant_id, place)
            return pb.EndSnoozeResponse()

        return await self._edits.run(request, pb.EndSnoozeResponse, end)
