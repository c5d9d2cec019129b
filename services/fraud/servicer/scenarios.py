"""Scenarios over gRPC: drafts, rules, versions."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import grpc
from google.protobuf.message import Message
from rampart.fraud.v1 import scenario_service_pb2 as pb

from meshkit.context import principal
from meshkit.errors import MeshError
from meshkit.ids import uuid7_text
from meshkit.named_requests import IdempotentChanges, named_request
from meshkit.pages import Pages, page_size
from services.fraud import convert, errors
from services.fraud.domain.scenarios.drafting import with_rule, without_rule
from services.fraud.domain.scenarios.publication import Actor
from services.fraud.domain.scenarios.rule import ScenarioRule
from services.fraud.domain.scenarios.scenario import ScenarioContent, VersionRef
from services.fraud.ports.scenarios import ScenarioChanges
from services.fraud.service.scenarios.deployments import Deployments
from services.fraud.service.scenarios.drafts import ScenarioService
from services.fraud.service.scenarios.rule_checks import RuleChecks

__all__ = ["Context", "ScenarioCalls", "ScenarioEdits", "actor", "named"]

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Response = TypeVar("Response", bound=Message)
Respond = Callable[[ScenarioChanges, Actor], Awaitable[Response]]

MOST_PER_PAGE = 100
"""Scenarios and versions: each is as large as its description."""
NEWEST = (1 << 31) - 1
_OF_RULE = re.compile(r"^rules\[\d+\]\.")


def actor() -> Actor:
    """Returns who calls: the user that a client acts for, or the client."""
    caller = principal()
    return Actor(caller.tenant_id, caller.actor)


@contextmanager
def named(place: Callable[[str], str]) -> Iterator[None]:
    """Names the fields in errors of the block as the request has them."""
    try:
        yield
    except MeshError as error:
        if not error.violations:
            raise
        raise error.with_violations(replace(each, field=place(each.field)) for each in error.violations) from None


class ScenarioEdits:
    """Carries out requests that change something, once for each name."""

    def __init__(self, idempotent: IdempotentChanges[ScenarioChanges]) -> None:
        self._idempotent = idempotent

    async def run(self, request: Any, answer: type[Response], respond: Respond[Response]) -> Response:
        """Returns the response, or that to the first request of this name. Raises IDEMPOTENCY_CONFLICT."""
        who = actor()

        async def change(changes: ScenarioChanges) -> Response:
            return await respond(changes, who)

        name = named_request(request, lambda content: None)
        return await self._idempotent.respond(who.tenant_id, name, change, answer)


class ScenarioCalls:
    """What `ScenarioServicer` does with scenarios, their rules and versions."""

    def __init__(
        self, edits: ScenarioEdits, service: ScenarioService, checks: RuleChecks, deployed: Deployments, pages: Pages
    ) -> None:
        self._edits = edits
        self._service = service
        self._checks = checks
        self._deployed = deployed
        self._pages = pages

    async def CreateScenario(self, request: pb.CreateScenarioRequest, _: Context) -> pb.CreateScenarioResponse:
        content = convert.content_from_proto(request.draft)

        async def create(changes: ScenarioChanges, who: Actor) -> pb.CreateScenarioResponse:
            with named(lambda field: f"draft.{field}"):
                made = await self._service.create(changes, who, request.scenario_id, content)
            return pb.CreateScenarioResponse(scenario=convert.scenario_to_proto(made))

        return await self._edits.run(request, pb.CreateScenarioResponse, create)

    async def GetScenario(self, request: pb.GetScenarioRequest, _: Context) -> pb.GetScenarioResponse:
        found = await self._service.get(principal().tenant_id, request.scenario_id)
        return pb.GetScenarioResponse(scenario=convert.scenario_to_proto(found))

    async def ListScenarios(self, request: pb.ListScenariosRequest, _: Context) -> pb.ListScenariosResponse:
        tenant_id, size = principal().tenant_id, min(page_size(request.page_size), MOST_PER_PAGE)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        found, more = await self._service.page(tenant_id, place[0] if place else "", size)
        following = self._pages.encode(tenant_id, request, [found[-1].scenario_id]) if more else ""
        listed = map(partial(convert.scenario_to_proto, rules=False), found)
        return pb.ListScenariosResponse(scenarios=listed, next_page_token=following)

    async def ReplaceScenarioDraft(
        self, request: pb.ReplaceScenarioDraftRequest, _: Context
    ) -> pb.ReplaceScenarioDraftResponse:
        content, admits = convert.content_from_proto(request.draft), convert.admits_revision_from_proto(request)

        async def replace_draft(changes: ScenarioChanges, who: Actor) -> pb.ReplaceScenarioDraftResponse:
            with named(lambda field: f"draft.{field}"):
                edited = await self._service.edit(changes, who, request.scenario_id, lambda _: content, admits)
            return pb.ReplaceScenarioDraftResponse(scenario=convert.scenario_to_proto(edited))

        return await self._edits.run(request, pb.ReplaceScenarioDraftResponse, replace_draft)

    async def CreateScenarioRule(
        self, request: pb.CreateScenarioRuleRequest, _: Context
    ) -> pb.CreateScenarioRuleResponse:
        rule = convert.rule_from_proto(request.rule)
        if not rule.rule_id:
            # The same request again makes the same rule, though nobody remembers the first.
            named_id = str(UUID(request.request_id)) if request.request_id else uuid7_text()
            rule = replace(rule, rule_id=named_id)

        def add(draft: ScenarioContent) -> ScenarioContent:
            if any(each.rule_id == rule.rule_id and each != rule for each in draft.rules):
                raise errors.rule_exists()
            return with_rule(draft, rule)

        async def create(changes: ScenarioChanges, who: Actor) -> pb.CreateScenarioRuleResponse:
            await self._edit_rule(changes, who, request.scenario_id, add)
            return pb.CreateScenarioRuleResponse(rule=convert.rule_to_proto(rule))

        return await self._edits.run(request, pb.CreateScenarioRuleResponse, create)

    async def GetScenarioRule(self, request: pb.GetScenarioRuleRequest, _: Context) -> pb.GetScenarioRuleResponse:
        draft = (await self._service.get(principal().tenant_id, request.scenario_id)).draft
        return pb.GetScenarioRuleResponse(rule=convert.rule_to_proto(_rule(draft, request.rule_id)))

    async def UpdateScenarioRule(
        self, request: pb.UpdateScenarioRuleRequest, _: Context
    ) -> pb.UpdateScenarioRuleResponse:
        sent, rule_id = request.rule, request.rule.rule_id
        check = convert.rule_state_from_proto(sent.etag, request)

        def change(draft: ScenarioContent) -> ScenarioContent:
            rule = _rule(draft, rule_id)
            check(rule)
            return with_rule(draft, convert.updated_rule_from_proto(rule, sent, request.update_mask))

        async def update(changes: ScenarioChanges, who: Actor) -> pb.UpdateScenarioRuleResponse:
            draft = await self._edit_rule(changes, who, request.scenario_id, change)
            return pb.UpdateScenarioRuleResponse(rule=convert.rule_to_proto(_rule(draft, rule_id)))

        return await self._edits.run(request, pb.UpdateScenarioRuleResponse, update)

    async def DeleteScenarioRule(
        self, request: pb.DeleteScenarioRuleRequest, _: Context
    ) -> pb.DeleteScenarioRuleResponse:
        check = convert.rule_state_from_proto(request.etag, request)

        def remove(draft: ScenarioContent) -> ScenarioContent:
            check(_rule(draft, request.rule_id))
            return without_rule(draft, request.rule_id)

        async def delete(changes: ScenarioChanges, who: Actor) -> pb.DeleteScenarioRuleResponse:
            await self._edit_rule(changes, who, request.scenario_id, remove)
            return pb.DeleteScenarioRuleResponse()

        return await self._edits.run(request, pb.DeleteScenarioRuleResponse, delete)

    async def CheckExpression(self, request: pb.CheckExpressionRequest, _: Context) -> pb.CheckExpressionResponse:
        rule = ScenarioRule(
            rule_id="rule", code="RULE", words=request.words or "-", expression=request.expression, contribution=1.0
        )  # fmt: skip
        checked = await self._checks.rule(principal().tenant_id, request.event_type, rule)
        return pb.CheckExpressionResponse(problems=convert.problems_to_proto(checked.faults))

    async def CreateScenarioVersion(
        self, request: pb.CreateScenarioVersionRequest, _: Context
    ) -> pb.CreateScenarioVersionResponse:
        admits = convert.admits_revision_from_proto(request, request.etag)

        async def make(changes: ScenarioChanges, who: Actor) -> pb.CreateScenarioVersionResponse:
            with named(lambda field: f"draft.{field}"):
                made = await self._service.make_version(changes, who, request.scenario_id, request.note, admits)
            roles = await self._deployed.roles(who.tenant_id, [made])
            return pb.CreateScenarioVersionResponse(version=convert.version_to_proto(made, roles[made.ref]))

        return await self._edits.run(request, pb.CreateScenarioVersionResponse, make)

    async def GetScenarioVersion(
        self, request: pb.GetScenarioVersionRequest, _: Context
    ) -> pb.GetScenarioVersionResponse:
        tenant_id = principal().tenant_id
        found = await self._service.version(tenant_id, VersionRef(request.scenario_id, request.version))
        roles = await self._deployed.roles(tenant_id, [found])
        return pb.GetScenarioVersionResponse(version=convert.version_to_proto(found, roles[found.ref]))

    async def ListScenarioVersions(
        self, request: pb.ListScenarioVersionsRequest, _: Context
    ) -> pb.ListScenarioVersionsResponse:
        tenant_id, size = principal().tenant_id, min(page_size(request.page_size), MOST_PER_PAGE)
        place = self._pages.decode(tenant_id, request, request.page_token, 1)
        before = int(place[0]) if place else NEWEST
        found, more = await self._service.versions(tenant_id, request.scenario_id, before, size)
        roles = await self._deployed.roles(tenant_id, found)
        following = self._pages.encode(tenant_id, request, [str(found[-1].number)]) if more else ""

        listed = [convert.version_to_proto(each, roles[each.ref], rules=False) for each in found]
        return pb.ListScenarioVersionsResponse(versions=listed, next_page_token=following)

    async def DiffScenarios(self, request: pb.DiffScenariosRequest, _: Context) -> pb.DiffScenariosResponse:
        before = VersionRef(request.before_scenario_id or request.scenario_id, request.before)
        after = VersionRef(request.scenario_id, request.after)
        difference = await self._service.diff(principal().tenant_id, before, after)
        return pb.DiffScenariosResponse(
            added=map(convert.rule_to_proto, difference.added),
            removed=map(convert.rule_to_proto, difference.removed),
            changed=convert.rule_changes_to_proto(difference),
            settings=convert.changes_to_proto(difference.settings),
        )

    async def _edit_rule(
        self, changes: ScenarioChanges, who: Actor, scenario_id: str, edit: Callable[[ScenarioContent], ScenarioContent]
    ) -> ScenarioContent:
        with named(lambda field: _OF_RULE.sub("rule.", field)):
            return (await self._service.edit(changes, who, scenario_id, edit)).draft


def _rule(draft: ScenarioContent, rule_id: str) -> ScenarioRule:
    for rule in draft.rules:
        if rule.rule_id == rule_id:
            return rule
    raise errors.found_none("rule")
