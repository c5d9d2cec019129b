"""Reads scenarios from PostgreSQL, under row-level security. `postgres_scenario_changes` changes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from meshkit.storage.postgres import Connection
from meshkit.storage.reads import Reads
from services.fraud.adapters.scenario_rows import (
    deployment_of,
    policy_of,
    scenario_of,
    snooze_of,
    transition_of,
    version_of,
)
from services.fraud.domain.scenarios.deployment import DeploymentMove
from services.fraud.domain.scenarios.publication import DeploymentState, ScenarioPolicy, Transition
from services.fraud.domain.scenarios.scenario import Scenario, ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.snoozes import Snooze
from services.fraud.ports.scenarios import DeclaredScenarios, SnoozePlace

__all__ = ["PostgresScenarios", "read_scenarios"]

_GET = "SELECT * FROM scenarios WHERE tenant_id = $1 AND scenario_id = $2"
_PAGE = "SELECT * FROM scenarios WHERE tenant_id = $1 AND scenario_id > $2 ORDER BY scenario_id LIMIT $3"
_VERSION = "SELECT * FROM scenario_versions WHERE tenant_id = $1 AND scenario_id = $2 AND number = $3"
_VERSIONS = """
SELECT * FROM scenario_versions WHERE tenant_id = $1 AND scenario_id = $2 AND number < $3
ORDER BY number DESC LIMIT $4"""
# What asks for a step, or refuses one, has moved nothing. Of a version in one event type the numbers are in order.
_LAST_MOVES = """
SELECT DISTINCT ON (t.scenario_id, t.version) t.scenario_id, t.version, t.move
FROM unnest($2::text[], $3::integer[]) AS asked (scenario_id, version)
    JOIN scenario_transitions AS t USING (scenario_id, version)
WHERE t.tenant_id = $1 AND t.move NOT IN ('request', 'reject')
ORDER BY t.scenario_id, t.version, t.number DESC"""
_DEPLOYMENTS = "SELECT * FROM scenario_deployments WHERE tenant_id = $1 ORDER BY event_type"
_HISTORY = """
SELECT * FROM scenario_transitions WHERE tenant_id = $1 AND event_type = $2 AND number < $3
ORDER BY number DESC LIMIT $4"""
_POLICY = "SELECT * FROM scenario_policies WHERE tenant_id = $1"
_DEPLOYED_VERSIONS = """
SELECT v.* FROM unnest($2::text[], $3::integer[]) AS asked (scenario_id, number)
    JOIN scenario_versions AS v USING (scenario_id, number)
WHERE v.tenant_id = $1"""
_LASTING_SNOOZES = "SELECT * FROM scenario_snoozes WHERE tenant_id = $1 AND until > now()"
_SNOOZES = """
SELECT * FROM scenario_snoozes WHERE tenant_id = $1 AND (rule_id, field, value) > ($2, $3, $4) AND until > $5
ORDER BY rule_id, field, value LIMIT $6"""


class PostgresScenarios:
    """Implements `ScenarioReads`."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def get(self, tenant_id: str, scenario_id: str) -> Scenario | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_GET, tenant_id, scenario_id)
        return scenario_of(row) if row else None

    async def page(self, tenant_id: str, after: str, limit: int) -> Sequence[Scenario]:
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_PAGE, tenant_id, after, limit)
        return [scenario_of(row) for row in rows]

    async def version(self, tenant_id: str, ref: VersionRef) -> ScenarioVersion | None:
        async with self._reads.of(tenant_id) as connection:
            row = await connection.fetchrow(_VERSION, tenant_id, *ref)
        return version_of(row) if row else None

    async def versions(self, tenant_id: str, scenario_id: str, before: int, limit: int) -> Sequence[ScenarioVersion]:
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_VERSIONS, tenant_id, scenario_id, before, limit)
        return [version_of(row) for row in rows]

    async def last_moves(self, tenant_id: str, refs: Collection[VersionRef]) -> Mapping[VersionRef, DeploymentMove]:
        names, numbers = [ref.scenario_id for ref in refs], [ref.number for ref in refs]
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_LAST_MOVES, tenant_id, names, numbers)
        return {VersionRef(row["scenario_id"], row["version"]): DeploymentMove(row["move"]) for row in rows}

    async def deployments(self, tenant_id: str) -> Sequence[DeploymentState]:
        async with self._reads.of(tenant_id) as connection:
            return [deployment_of(row) for row in await connection.fetch(_DEPLOYMENTS, tenant_id)]

    async def history(self, tenant_id: str, event_type: str, before: int, limit: int) -> Sequence[Transition]:
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_HISTORY, tenant_id, event_type, before, limit)
        return [transition_of(row) for row in rows]

    async def policy(self, tenant_id: str) -> ScenarioPolicy:
        async with self._reads.of(tenant_id) as connection:
            return policy_of(await connection.fetchrow(_POLICY, tenant_id))

    async def snoozes(self, tenant_id: str, after: SnoozePlace, limit: int, now: datetime) -> Sequence[Snooze]:
        async with self._reads.of(tenant_id) as connection:
            rows = await connection.fetch(_SNOOZES, tenant_id, *after, now, limit)
        return [snooze_of(row) for row in rows]


async def read_scenarios(connection: Connection, tenant_id: str) -> DeclaredScenarios:
    """Returns what decisions go by, in a transaction that names the tenant."""
    states = [deployment_of(row) for row in await connection.fetch(_DEPLOYMENTS, tenant_id)]
    refs = sorted({ref for state in states for ref in state.deployment.at_hand})
    names, numbers = [ref.scenario_id for ref in refs], [ref.number for ref in refs]
    rows = await connection.fetch(_DEPLOYED_VERSIONS, tenant_id, names, numbers) if refs else []
    return DeclaredScenarios(
        deployments=states,
        versions=[version_of(row) for row in rows],
        snoozes=[snooze_of(row) for row in await connection.fetch(_LASTING_SNOOZES, tenant_id)],
        policy=policy_of(await connection.fetchrow(_POLICY, tenant_id)),
    )
