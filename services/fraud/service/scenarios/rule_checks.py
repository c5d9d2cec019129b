"""Checks scenarios whole: their form, and every expression against the names that it may use."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from services.fraud import errors
from services.fraud.domain.expressions.types import ValueKind
from services.fraud.domain.scenarios.checking import MOST_RULES, content_faults, cost_faults, rule_faults
from services.fraud.domain.scenarios.faults import ContentFault
from services.fraud.domain.scenarios.model_checking import input_faults, model_faults
from services.fraud.domain.scenarios.model_inputs import OWN_SCORE
from services.fraud.domain.scenarios.rule import ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent, ScenarioModel
from services.fraud.ports.scenarios import RuleChecker, Vocabularies
from services.fraud.ports.scoring import ModelInputs

__all__ = ["Checked", "RuleChecks"]

MOST_FAULTS = 100
"""That are told at once."""


class Checked(NamedTuple):
    """What a check found: the trees of the expressions, in the order of the rules, or faults."""

    trees: tuple[str, ...]
    faults: Sequence[ContentFault]


class RuleChecks:
    """Checks what tenants write."""

    def __init__(self, checker: RuleChecker, vocabularies: Vocabularies, models: ModelInputs) -> None:
        self._checker = checker
        self._models = models
        self._vocabularies = vocabularies
        self._turn = asyncio.Lock()

    async def content(self, tenant_id: str, content: ScenarioContent, known: Container[ScenarioRule] = ()) -> Checked:
        """Checks a whole scenario, but of rules that are known to be good not the expressions, and then no trees."""
        variables = await self._vocabularies.variables(tenant_id, content.event_type)
        if variables is None:
            return Checked((), [ContentFault("event_type", "event_type.known", "is no event type of the tenant")])
        faults = [*await self._model(tenant_id, content.model, variables)] if content.model is not None else []
        if faults:
            return Checked((), faults)
        # A thousand rules take long enough to hold up decisions, and one check at a time is enough.
        async with self._turn:
            return await asyncio.to_thread(self._content, content, variables, known)

    async def _model(
        self, tenant_id: str, model: ScenarioModel, variables: Mapping[str, ValueKind]
    ) -> Iterable[ContentFault]:
        return list(model_faults(model, ())) or input_faults(
            model, await self._models.inputs(tenant_id, model.ref), variables
        )

    async def faults(self, tenant_id: str, content: ScenarioContent) -> Sequence[ContentFault]:
        """Returns what is wrong with a whole scenario."""
        return (await self.content(tenant_id, content)).faults

    async def rule(self, tenant_id: str, event_type: str, rule: ScenarioRule) -> Checked:
        """Checks one rule, as it would be in a scenario. Raises RESOURCE_NOT_FOUND for an event type that is none."""
        variables = await self._vocabularies.variables(tenant_id, event_type)
        if variables is None:
            raise errors.found_none("event_type")
        found = self._expression(rule, variables)
        return Checked(found.trees, [*rule_faults(rule, variables), *found.faults][:MOST_FAULTS])

    def _content(
        self, content: ScenarioContent, variables: Mapping[str, ValueKind], known: Container[ScenarioRule]
    ) -> Checked:
        if content.model is None:
            variables = {name: kind for name, kind in variables.items() if name != OWN_SCORE}
        faults: Sequence[ContentFault] = content_faults(content, variables)
        trees: list[str] = []
        for place, rule in enumerate(content.rules[:MOST_RULES]):
            if rule in known and (content.model is not None or OWN_SCORE not in rule.expression):
                continue
            found = self._expression(rule, variables)
            trees += found.trees
            faults = [*faults, *(each._replace(place=f"rules[{place}].{each.place}") for each in found.faults)]
        return Checked(tuple(trees), [*faults, *cost_faults(trees)][:MOST_FAULTS])

    def _expression(self, rule: ScenarioRule, variables: Mapping[str, ValueKind]) -> Checked:
        found = self._checker.check(rule.expression, variables)
        if isinstance(found, str):
            return Checked((found,), ())
        return Checked(
            (), [ContentFault("expression", "expression.type", each.message, each.line, each.column) for each in found]
        )
