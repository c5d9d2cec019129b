"""Keeps scenarios: drafts that are edited, and the versions that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from meshkit.preconditions import etag_mismatch
from services.fraud import errors
from services.fraud.domain.scenarios.diff import ScenarioDiff, compare
from services.fraud.domain.scenarios.faults import ContentFault
from services.fraud.domain.scenarios.publication import Actor
from services.fraud.domain.scenarios.rule import ScenarioRule
from services.fraud.domain.scenarios.scenario import Scenario, ScenarioContent, ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.starter import STARTER, STARTER_ID, STARTER_REF, starter_trees
from services.fraud.ports.scenarios import ScenarioChanges, ScenarioReads
from services.fraud.service.scenarios.rule_checks import RuleChecks

__all__ = ["BUILT_IN", "AdmitsRevision", "Edit", "ScenarioService"]

Edit = Callable[[ScenarioContent], ScenarioContent]
"""Raises LookupError for a rule that is not there."""
AdmitsRevision = Callable[[int], bool]
"""Tells of a draft's revision whether it may be changed."""

_FIXED = ContentFault("event_type", "event_type.fixed", "is that of the scenario and never changes")

BUILT_IN = ScenarioVersion(
    scenario_id=STARTER_ID,
    number=STARTER_REF.number,
    content=STARTER,
    note="Built in.",
    authors=frozenset(),
    trees=starter_trees(),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
)


class ScenarioService:
    """Keeps scenarios. `actor` and `tenant_id` are those of the verified caller.

    What changes something does so in the transaction that it is given.
    """

    def __init__(self, reads: ScenarioReads, checks: RuleChecks, clock: Callable[[], datetime]) -> None:
        self._reads = reads
        self._checks = checks
        self._clock = clock

    async def create(
        self, changes: ScenarioChanges, actor: Actor, scenario_id: str, content: ScenarioContent
    ) -> Scenario:
        """Makes a scenario with a draft, or returns the one whose draft is still the same.

        Raises VALIDATION_FAILED and RESOURCE_EXISTS.
        """
        if scenario_id == STARTER_ID:
            raise errors.scenario_exists()
        await self._check(actor.tenant_id, content)
        now = self._clock()
        made = Scenario(
            scenario_id=scenario_id, draft=content, revision=1, latest=0, editors=frozenset({actor.name}),
            created_at=now, updated_at=now,
        )  # fmt: skip
        if await changes.create(made):
            return made
        there = await changes.scenario(scenario_id)
        if there is None or there.draft != content:
            raise errors.scenario_exists()
        return there

    async def get(self, tenant_id: str, scenario_id: str) -> Scenario:
        """Raises RESOURCE_NOT_FOUND."""
        return _found(await self._reads.get(tenant_id, scenario_id))

    async def page(self, tenant_id: str, after: str, limit: int) -> tuple[Sequence[Scenario], bool]:
        """Returns a page of at most `limit` scenarios and whether there are more."""
        found = await self._reads.page(tenant_id, after, limit + 1)
        return found[:limit], len(found) > limit

    async def edit(
        self,
        changes: ScenarioChanges,
        actor: Actor,
        scenario_id: str,
        edit: Edit,
        admits: AdmitsRevision | None = None,
    ) -> Scenario:
        """Changes the draft, in a revision that is admitted. An edit that changes nothing makes no revision.

        Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH and VALIDATION_FAILED: a draft is always one that could decide.
        """
        scenario = _found(await changes.scenario(scenario_id))
        if admits is not None and not admits(scenario.revision):
            raise etag_mismatch()
        try:
            content = edit(scenario.draft)
        except LookupError:
            raise errors.found_none("rule") from None
        if content == scenario.draft:
            return scenario
        if content.event_type != scenario.draft.event_type:
            raise errors.content_refused([_FIXED])
        await self._check(actor.tenant_id, content, known=frozenset(scenario.draft.rules))
        edited = replace(
            scenario,
            draft=content,
            revision=scenario.revision + 1,
            editors=scenario.editors | {actor.name},
            updated_at=self._clock(),
        )
        await changes.save(edited)
        return edited

    async def make_version(
        self,
        changes: ScenarioChanges,
        actor: Actor,
        scenario_id: str,
        note: str = "",
        admits: AdmitsRevision | None = None,
    ) -> ScenarioVersion:
        """Makes the draft a version, or returns the newest one if the draft is still the same.

        Raises RESOURCE_NOT_FOUND, ETAG_MISMATCH, and VALIDATION_FAILED if names that rules use are gone.
        """
        scenario = _found(await changes.scenario(scenario_id))
        if admits is not None and not admits(scenario.revision):
            raise etag_mismatch()
        newest = await changes.version(VersionRef(scenario_id, scenario.latest))
        if newest is not None and newest.content == scenario.draft:
            return newest
        version = ScenarioVersion(
            scenario_id=scenario_id,
            number=scenario.latest + 1,
            content=scenario.draft,
            note=note,
            authors=scenario.editors | {actor.name},
            trees=await self._check(actor.tenant_id, scenario.draft),
            created_at=self._clock(),
        )
        await changes.add_version(version)
        await changes.save(replace(scenario, latest=version.number, editors=frozenset()))
        return version

    async def version(self, tenant_id: str, ref: VersionRef) -> ScenarioVersion:
        """Returns a version, also the built-in one. Raises RESOURCE_NOT_FOUND."""
        if ref == STARTER_REF:
            return BUILT_IN
        found = await self._reads.version(tenant_id, ref)
        if found is None:
            raise errors.found_none("version")
        return found

    async def versions(
        self, tenant_id: str, scenario_id: str, before: int, limit: int
    ) -> tuple[Sequence[ScenarioVersion], bool]:
        """Returns a page of versions, newest first, and whether there are more. Raises RESOURCE_NOT_FOUND."""
        if scenario_id == STARTER_ID:
            return [BUILT_IN] if before > BUILT_IN.number else [], False
        await self.get(tenant_id, scenario_id)
        found = await self._reads.versions(tenant_id, scenario_id, before, limit + 1)
        return found[:limit], len(found) > limit

    async def content(self, tenant_id: str, scenario_id: str, number: int = 0) -> ScenarioContent:
        """Returns the content of a version, of the draft for 0. Raises RESOURCE_NOT_FOUND."""
        if number:
            return (await self.version(tenant_id, VersionRef(scenario_id, number))).content
        return STARTER if scenario_id == STARTER_ID else (await self.get(tenant_id, scenario_id)).draft

    async def diff(self, tenant_id: str, before: VersionRef, after: VersionRef) -> ScenarioDiff:
        """Compares two versions, of whichever scenarios; a number of 0 is the draft. Raises RESOURCE_NOT_FOUND."""
        return compare(await self.content(tenant_id, *before), await self.content(tenant_id, *after))

    async def _check(
        self, tenant_id: str, content: ScenarioContent, known: Container[ScenarioRule] = ()
    ) -> tuple[str, ...]:
        checked = await self._checks.content(tenant_id, content, known)
        if checked.faults:
            raise errors.content_refused(checked.faults)
        return checked.trees


def _found(scenario: Scenario | None) -> Scenario:
    if scenario is None:
        raise errors.found_none("scenario")
    return scenario
