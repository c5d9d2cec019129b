"""Tells which versions decide, what they decided of late, and what each version is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from services.fraud.domain.scenarios.breaker import OutcomeCounts
from services.fraud.domain.scenarios.deployment import Role, settled_role
from services.fraud.domain.scenarios.publication import DeploymentState, ScenarioPolicy, Transition
from services.fraud.domain.scenarios.scenario import ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.starter import first_deployment
from services.fraud.ports.scenarios import ScenarioReads
from services.fraud.service.scenarios.publishing import UsualCounts

__all__ = ["Deployments"]


class Deployments:
    """Reads what is deployed. `tenant_id` is that of the verified caller."""

    def __init__(self, reads: ScenarioReads, usual: UsualCounts) -> None:
        self._reads = reads
        self._usual = usual

    async def all(self, tenant_id: str) -> Sequence[DeploymentState]:
        return await self._reads.deployments(tenant_id)

    async def get(self, tenant_id: str, event_type: str) -> DeploymentState:
        """Returns what decides the events of a type, also where nothing was ever deployed."""
        for state in await self._reads.deployments(tenant_id):
            if state.event_type == event_type:
                return state
        return DeploymentState(event_type, first_deployment(event_type))

    async def counts(self, tenant_id: str, state: DeploymentState) -> Mapping[VersionRef, OutcomeCounts]:
        """Returns what each version that decides decided of late."""
        deployment = state.deployment
        shared = [deployment.share.ref] if deployment.share is not None else []
        live = [deployment.live] if deployment.live is not None else []
        refs = (*live, *shared, *deployment.shadows)
        return {ref: await self._usual(tenant_id, state.event_type, ref) for ref in refs}

    async def roles(self, tenant_id: str, versions: Collection[ScenarioVersion]) -> Mapping[VersionRef, Role]:
        """Returns what each of the versions does, or did."""
        states = {state.event_type: state.deployment for state in await self._reads.deployments(tenant_id)}
        moves = await self._reads.last_moves(tenant_id, [version.ref for version in versions])
        found = {}
        for version in versions:
            deployment = states.get(version.content.event_type) or first_deployment(version.content.event_type)
            found[version.ref] = deployment.role(version.ref) or settled_role(moves.get(version.ref))
        return found

    async def history(
        self, tenant_id: str, event_type: str, before: int, limit: int
    ) -> tuple[Sequence[Transition], bool]:
        """Returns a page of transitions, newest first, and whether there are more."""
        found = await self._reads.history(tenant_id, event_type, before, limit + 1)
        return found[:limit], len(found) > limit

    async def policy(self, tenant_id: str) -> ScenarioPolicy:
        return await self._reads.policy(tenant_id)
