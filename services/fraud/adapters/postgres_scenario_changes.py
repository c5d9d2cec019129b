"""Changes scenarios in PostgreSQL, and tells every process at the commit."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from meshkit.storage.named_requests import PostgresClaims
from meshkit.storage.postgres import Pool, transaction
from services.fraud.adapters.engine_revisions import hold, move
from services.fraud.adapters.scenario_rows import deployment_of, policy_of, scenario_of, state_of, version_of
from services.fraud.convert import transition_to_event
from services.fraud.domain.scenarios.deployment import DeploymentMove
from services.fraud.domain.scenarios.file import file_of
from services.fraud.domain.scenarios.publication import DeploymentState, ScenarioPolicy, Transition
from services.fraud.domain.scenarios.scenario import Scenario, ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.snoozes import Snooze
from services.fraud.domain.scenarios.starter import first_deployment
from services.fraud.ports.scenarios import ScenarioChanges, SnoozePlace

__all__ = ["PostgresScenarioChanges", "PostgresScenarioWriter"]

_GET = "SELECT * FROM scenarios WHERE tenant_id = $1 AND scenario_id = $2"
_CREATE = """
INSERT INTO scenarios (tenant_id, scenario_id, draft, revision, latest, editors, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING scenario_id"""
_SAVE = """
UPDATE scenarios SET draft = $3, revision = $4, latest = $5, editors = $6, updated_at = $7
WHERE tenant_id = $1 AND scenario_id = $2"""
_ADD_VERSION = """
INSERT INTO scenario_versions (tenant_id, scenario_id, number, event_type, content, trees, note, authors, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
_VERSION = "SELECT * FROM scenario_versions WHERE tenant_id = $1 AND scenario_id = $2 AND number = $3"
_AUTHORS = """
SELECT DISTINCT unnest(authors) AS author FROM scenario_versions
WHERE tenant_id = $1 AND scenario_id = $2 AND number > $3 AND number <= $4"""
_DEPLOYMENT = "SELECT * FROM scenario_deployments WHERE tenant_id = $1 AND event_type = $2"
_DEPLOY = """
INSERT INTO scenario_deployments (tenant_id, event_type, state, revision) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, event_type) DO UPDATE SET state = excluded.state, revision = excluded.revision"""
_TRANSITION = """
INSERT INTO scenario_transitions (tenant_id, event_type, number, move, scenario_id, version, parts, principal,
    requested_by, reason, replaced_scenario_id, replaced_version, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"""
_TELL = "INSERT INTO outbox (tenant_id, payload) VALUES ($1, $2)"
_POLICY = "SELECT * FROM scenario_policies WHERE tenant_id = $1"
_SAVE_POLICY = """
INSERT INTO scenario_policies (tenant_id, two_persons, declines, reviews, times, above, revision)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant_id) DO UPDATE SET two_persons = excluded.two_persons, declines = excluded.declines,
    reviews = excluded.reviews, times = excluded.times, above = excluded.above, revision = excluded.revision"""
_FORGET_SNOOZES = "DELETE FROM scenario_snoozes WHERE tenant_id = $1 AND until <= $2"
_OTHER_SNOOZES = """
SELECT count(*) FROM scenario_snoozes WHERE tenant_id = $1 AND (rule_id, field, value) <> ($2, $3, $4)"""
_SNOOZE = """
INSERT INTO scenario_snoozes (tenant_id, rule_id, field, value, until, reason, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant_id, rule_id, field, value) DO UPDATE SET until = excluded.until, reason = excluded.reason,
    created_by = excluded.created_by, created_at = excluded.created_at"""
_WAKE = """
DELETE FROM scenario_snoozes WHERE tenant_id = $1 AND rule_id = $2 AND field = $3 AND value = $4 RETURNING rule_id"""


class PostgresScenarioWriter:
    """Implements `ScenarioWriter`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def begin(self, tenant_id: str) -> AsyncIterator[ScenarioChanges]:
        async with transaction(self._pool, [tenant_id]) as connection:
            # What is read here is what the transaction before has left.
            await hold(connection, tenant_id)
            yield PostgresScenarioChanges(connection, tenant_id)


class PostgresScenarioChanges(PostgresClaims):
    """Implements `ScenarioChanges` on a connection with an open transaction."""

    async def scenario(self, scenario_id: str) -> Scenario | None:
        row = await self._connection.fetchrow(_GET, self._tenant_id, scenario_id)
        return scenario_of(row) if row else None

    async def create(self, scenario: Scenario) -> bool:
        created = await self._connection.fetchval(
            _CREATE,
            self._tenant_id,
            scenario.scenario_id,
            file_of(scenario.draft),
            scenario.revision,
            scenario.latest,
            sorted(scenario.editors),
            scenario.created_at,
            scenario.updated_at,
        )
        return created is not None

    async def save(self, scenario: Scenario) -> None:
        await self._connection.execute(
            _SAVE,
            self._tenant_id,
            scenario.scenario_id,
            file_of(scenario.draft),
            scenario.revision,
            scenario.latest,
            sorted(scenario.editors),
            scenario.updated_at,
        )

    async def add_version(self, version: ScenarioVersion) -> None:
        await self._connection.execute(
            _ADD_VERSION,
            self._tenant_id,
            *version.ref,
            version.content.event_type,
            file_of(version.content),
            json.dumps(version.trees),
            version.note,
            sorted(version.authors),
            version.created_at,
        )

    async def version(self, ref: VersionRef) -> ScenarioVersion | None:
        row = await self._connection.fetchrow(_VERSION, self._tenant_id, *ref)
        return version_of(row) if row else None

    async def authors(self, scenario_id: str, after: int, until: int) -> frozenset[str]:
        rows = await self._connection.fetch(_AUTHORS, self._tenant_id, scenario_id, after, until)
        return frozenset(row["author"] for row in rows)

    async def deployment(self, event_type: str) -> DeploymentState:
        row = await self._connection.fetchrow(_DEPLOYMENT, self._tenant_id, event_type)
        return deployment_of(row) if row else DeploymentState(event_type, first_deployment(event_type))

    async def deploy(self, state: DeploymentState, transition: Transition) -> None:
        await self._connection.execute(_DEPLOY, self._tenant_id, state.event_type, state_of(state), state.revision)
        await self._connection.execute(
            _TRANSITION,
            self._tenant_id,
            transition.event_type,
            transition.number,
            transition.move.value,
            *transition.ref,
            transition.parts,
            transition.principal,
            transition.requested_by,
            transition.reason,
            *(transition.replaced or (None, None)),
            transition.at,
        )
        if transition.move is DeploymentMove.TRIP:
            event = transition_to_event(self._tenant_id, transition)
            await self._connection.execute(_TELL, self._tenant_id, event)
        await move(self._connection, self._tenant_id)

    async def policy(self) -> ScenarioPolicy:
        return policy_of(await self._connection.fetchrow(_POLICY, self._tenant_id))

    async def save_policy(self, policy: ScenarioPolicy) -> None:
        limits = policy.limits
        values = (limits.declines, limits.reviews, limits.times, limits.above, policy.revision)
        await self._connection.execute(_SAVE_POLICY, self._tenant_id, policy.two_persons, *values)
        await move(self._connection, self._tenant_id)

    async def snooze(self, snooze: Snooze, most: int) -> bool:
        place = (snooze.rule_id, snooze.field, snooze.value)
        await self._connection.execute(_FORGET_SNOOZES, self._tenant_id, snooze.created_at)
        if await self._connection.fetchval(_OTHER_SNOOZES, self._tenant_id, *place) >= most:
            return False
        rest = (snooze.until, snooze.reason, snooze.created_by, snooze.created_at)
        await self._connection.execute(_SNOOZE, self._tenant_id, *place, *rest)
        await move(self._connection, self._tenant_id)
        return True

    async def wake(self, place: SnoozePlace) -> bool:
        if await self._connection.fetchval(_WAKE, self._tenant_id, *place) is None:
            return False
        await move(self._connection, self._tenant_id)
        return True
