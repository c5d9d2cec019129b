"""Computes decisions again from what is stored with them, whatever has changed since."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeVar

from meshkit.currencies import DIGITS
from services.fraud import errors
from services.fraud.domain.declared.feature_set import FeatureSet
from services.fraud.domain.event_types import BUILT_IN as BUILT_IN_TYPES
from services.fraud.domain.event_types import EventType
from services.fraud.domain.expressions.generate import NO_PATTERNS, Patterns
from services.fraud.domain.expressions.tree import references, tree_from_json
from services.fraud.domain.recorded import Difference, Explanation, RecordedDecision, differences
from services.fraud.domain.scenarios.compiled import CompiledScenario
from services.fraud.domain.scenarios.consulted import hits_of
from services.fraud.domain.scenarios.deciding import decide
from services.fraud.domain.scenarios.explaining import explained_rules, outcome_steps
from services.fraud.domain.scenarios.facts import EventFacts, ValueReader, value_reader
from services.fraud.domain.scenarios.judging import Judgement
from services.fraud.domain.scenarios.scenario import ScenarioContent, ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.snoozes import RecordedSnoozes
from services.fraud.domain.scoring.model import ModelScore
from services.fraud.ports import EventTypes
from services.fraud.ports.scenarios import ScenarioReads
from services.fraud.service.deciding.scoring import ScoredEvent, explained
from services.fraud.service.scenarios.drafts import BUILT_IN
from services.fraud.service.tenants.feature_sets import FormerFeatures
from services.fraud.service.tenants.models import ModelCatalog

__all__ = ["Replays"]

VERSIONS = 16
"""Versions that are kept compiled for this, of all tenants."""
TOLD = 20
"""Features of which it is told what they did to a score."""
AT_ONCE = 2
"""What is computed beside the decisions, at most."""

Computed = TypeVar("Computed")


class _Version(NamedTuple):
    compiled: CompiledScenario
    content: ScenarioContent
    names: Sequence[Sequence[str]]


class _Basis(NamedTuple):
    """What a decision was made with. Without a scenario nothing of the last two is asked for."""

    facts: EventFacts
    features: FeatureSet
    version: _Version | None = None
    event_type: EventType | None = None

    @property
    def values(self) -> ValueReader | None:
        if self.version is None or self.event_type is None:
            return None
        return value_reader(self.version.compiled.names, self.event_type, self.features, DIGITS)


class Replays:
    """Computes decisions of the tenant that it is told again. `tenant_id` is that of the verified caller."""

    def __init__(
        self,
        scenarios: ScenarioReads,
        event_types: EventTypes,
        features: FormerFeatures,
        models: ModelCatalog,
        patterns: Patterns = NO_PATTERNS,
        *,
        most: int = VERSIONS,
    ) -> None:
        self._scenarios = scenarios
        self._event_types = event_types
        self._models = models
        self.features = features
        self._patterns = patterns
        self._most = most
        self._versions: OrderedDict[tuple[str, VersionRef], _Version] = OrderedDict()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def replay(self, tenant_id: str, recorded: RecordedDecision) -> Sequence[Difference]:
        """Returns where a decision does not come out as it was answered.

        Raises NOT_COMPUTABLE and UNAVAILABLE.
        """
        return await self._apart(_replayed, recorded, await self._basis(tenant_id, recorded))

    async def explain(self, tenant_id: str, recorded: RecordedDecision) -> Explanation:
        """Raises NOT_COMPUTABLE and UNAVAILABLE."""
        basis = await self._basis(tenant_id, recorded)
        made = await self._apart(_explained, recorded, basis)
        return made._replace(model=await self._told(tenant_id, basis))

    async def _told(self, tenant_id: str, basis: _Basis) -> ModelScore | None:
        """Returns what the model said; of what was approved it is computed now what the score is made of."""
        said, event_type = basis.facts.model, basis.event_type
        if said is None or said.reasons or event_type is None:
            return said
        scorer = (await self._models.of(tenant_id, [said.ref])).get(said.ref)
        if scorer is None:
            return said
        values = value_reader(scorer.features, event_type, basis.features, DIGITS)
        event = ScoredEvent(scorer, values, basis.facts, datetime.now(UTC))
        (told,) = await self._apart(explained, [event], [said], TOLD)
        return told

    async def _basis(self, tenant_id: str, recorded: RecordedDecision) -> _Basis:
        if not recorded.complete:
            raise errors.not_computable("format")
        features = await self.features.version(tenant_id, recorded.features)
        if features is None:
            raise errors.not_computable("features")
        try:
            facts = recorded.facts_with(features)
        except ValueError:
            raise errors.not_computable("record") from None
        if recorded.scenario is None:
            return _Basis(facts, features)
        version = await self._version(tenant_id, recorded.scenario)
        return _Basis(facts, features, version, await self._event_type(tenant_id, recorded))

    async def _event_type(self, tenant_id: str, recorded: RecordedDecision) -> EventType:
        found = BUILT_IN_TYPES.get(recorded.event_type)
        if found is None or found.version != recorded.type_version:
            found = await self._event_types.version(tenant_id, recorded.event_type, recorded.type_version)
        if found is None:
            raise errors.not_computable("event_type")
        return found

    async def _version(self, tenant_id: str, ref: VersionRef) -> _Version:
        built_in = ref == BUILT_IN.ref
        key = "" if built_in else tenant_id, ref
        known = self._versions.get(key)
        if known is None:
            stored = BUILT_IN if built_in else await self._scenarios.version(tenant_id, ref)
            if stored is None:
                raise errors.not_computable("scenario")
            known = await self._apart(_compiled, stored, self._patterns)
        self._versions[key] = known
        self._versions.move_to_end(key)
        while len(self._versions) > self._most:
            self._versions.popitem(last=False)
        return known

    async def _apart(self, work: Callable[..., Computed], *arguments: object) -> Computed:
        """Computes in a thread: a thousand rules are not told, nor compiled, between two decisions."""
        async with self._turns:
            return await asyncio.to_thread(work, *arguments)


def _compiled(version: ScenarioVersion, patterns: Patterns) -> _Version:
    trees = [tree_from_json(json.loads(tree)) for tree in version.trees]
    compiled = CompiledScenario(version.ref, version.content, version.trees, patterns)
    return _Version(compiled, version.content, [sorted(references(tree)) for tree in trees])


def _decided(recorded: RecordedDecision, basis: _Basis, values: ValueReader | None) -> Judgement:
    return decide(
        basis.version.compiled if basis.version is not None else None,
        values,
        basis.facts,
        recorded.create_time,
        RecordedSnoozes(recorded.snoozed),
        review_floor=bool(recorded.required),
    )


def _replayed(recorded: RecordedDecision, basis: _Basis) -> Sequence[Difference]:
    return differences(recorded.answered, _decided(recorded, basis, basis.values))


def _explained(recorded: RecordedDecision, basis: _Basis) -> Explanation:
    facts, version, values = basis.facts, basis.version, basis.values
    judgement = _decided(recorded, basis, values)
    found = differences(recorded.answered, judgement)
    if version is None or values is None:
        return Explanation(judgement, outcome_steps(None, judgement, facts, recorded.required), (), (), {}, found)
    seen = dict(zip(version.compiled.names, values(facts), strict=True))
    return Explanation(
        judgement,
        outcome_steps(version.content, judgement, facts, recorded.required),
        explained_rules(version.content, judgement, facts, seen),
        version.names,
        _shown(seen, facts) if facts.ruling is None else {},
        found,
    )


def _shown(seen: Mapping[str, object], facts: EventFacts) -> Mapping[str, object]:
    """Returns what rules saw, of lists what they found there: they were asked by now."""
    hits = {f"lists.{name}": tuple(values) for name, values in hits_of(facts.lists).items()}
    return {name: hits.get(name, ()) if name.startswith("lists.") else value for name, value in seen.items()}
