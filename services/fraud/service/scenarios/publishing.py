"""Lets versions decide: deploys them, approves, withdraws and rolls back, and keeps who did it."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from meshkit.preconditions import etag_mismatch
from services.fraud import errors
from services.fraud.domain.scenarios.breaker import NOTHING_COUNTED, OutcomeCounts
from services.fraud.domain.scenarios.deployment import (
    Deployment,
    DeploymentMove,
    ForbiddenDeploymentError,
    published,
    roll_back,
    stamped,
    trip,
    withdraw,
)
from services.fraud.domain.scenarios.faults import ContentFault
from services.fraud.domain.scenarios.publication import (
    MOST_REQUESTS,
    Actor,
    DeploymentState,
    PublicationRequest,
    ScenarioPolicy,
    Step,
    Transition,
    may_publish,
    needs_second,
)
from services.fraud.domain.scenarios.scenario import ScenarioContent, ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.starter import STARTER_REF
from services.fraud.ports.scenarios import ScenarioChanges
from services.fraud.service.scenarios.drafts import BUILT_IN

__all__ = ["BREAKER", "Faults", "Publishing", "UsualCounts", "nothing_usual", "nothing_wrong"]

BREAKER = "breaker"
"""The principal of what the breaker does. No token has a subject that equals it: those are of clients and users."""

UsualCounts = Callable[[str, str, VersionRef], Awaitable[OutcomeCounts]]
"""Returns what a version decided of late, for a tenant and an event type."""
Faults = Callable[[str, ScenarioContent], Awaitable[Sequence[ContentFault]]]
"""Returns what is wrong with a content of a tenant, as names are now."""
Move = Callable[[Deployment, VersionRef], Deployment]


async def nothing_usual(_: str, __: str, ___: VersionRef) -> OutcomeCounts:
    """Knows of no version what it decided."""
    return NOTHING_COUNTED


async def nothing_wrong(_: str, __: ScenarioContent) -> Sequence[ContentFault]:
    """Finds no fault."""
    return ()


class Publishing:
    """Moves versions, in the transaction that it is given. `actor` is the verified caller."""

    def __init__(
        self, clock: Callable[[], datetime], usual: UsualCounts = nothing_usual, faults: Faults = nothing_wrong
    ) -> None:
        self._clock = clock
        self._usual = usual
        self._faults = faults

    async def deploy(self, changes: ScenarioChanges, actor: Actor, step: Step, reason: str = "") -> DeploymentState:
        """Takes a step, or asks for it if a second person has to look at it first. The same step again changes nothing.

        Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED.
        """
        version = await _version(changes, step.ref)
        state = await changes.deployment(version.content.event_type)
        after = await self._taken(actor.tenant_id, version.content, step, state)
        if after == state.deployment:
            return state
        if needs_second(step, state.deployment) and not await _alone(changes, state, version, actor.name):
            return await self._ask(changes, state, step, actor.name, reason)
        return await self._move(changes, state, after, step.move, step.ref, actor.name, step.parts, reason=reason)

    async def approve(
        self, changes: ScenarioChanges, actor: Actor, event_type: str, request_id: UUID
    ) -> DeploymentState:
        """Takes the step that a request asks for.

        Raises RESOURCE_NOT_FOUND, SECOND_PERSON_NEEDED and STATE_NOT_ALLOWED.
        """
        state = await changes.deployment(event_type)
        request = _request(state, request_id)
        step = request.step
        version = await _version(changes, step.ref)
        authors = await _authors(changes, state, version)
        if not may_publish(actor.name, authors):
            raise errors.second_person_needed(*step.ref)
        after = await self._taken(actor.tenant_id, version.content, step, state)
        answered = _without_requests(state, request_id)
        return await self._move(
            changes, answered, after, step.move, step.ref, actor.name, step.parts,
            requested_by=request.requested_by, reason=request.comment,
        )  # fmt: skip

    async def reject(
        self, changes: ScenarioChanges, actor: Actor, event_type: str, request_id: UUID, reason: str = ""
    ) -> DeploymentState:
        """Takes a request away, one's own as well. Raises RESOURCE_NOT_FOUND."""
        state = await changes.deployment(event_type)
        request = _request(state, request_id)
        return await self._move(
            changes, _without_requests(state, request_id), state.deployment, DeploymentMove.REJECT,
            request.step.ref, actor.name, request.step.parts, requested_by=request.requested_by, reason=reason,
        )  # fmt: skip

    async def withdraw(
        self, changes: ScenarioChanges, actor: Actor, ref: VersionRef, reason: str = ""
    ) -> DeploymentState:
        """Ends a shadow or a share. Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED."""
        return await self._back(changes, actor, ref, DeploymentMove.WITHDRAW, withdraw, reason)

    async def roll_back(
        self, changes: ScenarioChanges, actor: Actor, ref: VersionRef, reason: str = ""
    ) -> DeploymentState:
        """Takes a version away; of the live one, the version before takes over. It needs no second person.

        Raises RESOURCE_NOT_FOUND and STATE_NOT_ALLOWED.
        """
        return await self._back(changes, actor, ref, DeploymentMove.ROLL_BACK, roll_back, reason)

    async def trip(self, changes: ScenarioChanges, tenant_id: str, ref: VersionRef, reason: str) -> DeploymentState:
        """Rolls a version back for the breaker, once: of several that say so the later raise STATE_NOT_ALLOWED."""
        return await self._back(changes, Actor(tenant_id, BREAKER), ref, DeploymentMove.TRIP, trip, reason)

    async def set_policy(
        self, changes: ScenarioChanges, policy: ScenarioPolicy, admits: Callable[[int], bool] | None = None
    ) -> ScenarioPolicy:
        """Replaces the policy in a revision that is admitted. Raises ETAG_MISMATCH."""
        stored = await changes.policy()
        if admits is not None and not admits(stored.revision):
            raise etag_mismatch()
        if replace(policy, revision=stored.revision) == stored:
            return stored
        policy = replace(policy, revision=stored.revision + 1)
        await changes.save_policy(policy)
        return policy

    async def _back(
        self, changes: ScenarioChanges, actor: Actor, ref: VersionRef, kind: DeploymentMove, move: Move, reason: str
    ) -> DeploymentState:
        version = await _version(changes, ref)
        state = await changes.deployment(version.content.event_type)
        try:
            after = move(state.deployment, ref)
        except ForbiddenDeploymentError as error:
            raise _refused(error, state, ref) from None
        if after == state.deployment:
            return state
        # What was asked for before somebody took the version away is asked for no longer.
        left = tuple(each for each in state.requests if each.step.ref != ref)
        state = replace(state, requests=left)
        return await self._move(changes, state, after, kind, ref, actor.name, reason=reason)

    async def _taken(self, tenant_id: str, content: ScenarioContent, step: Step, state: DeploymentState) -> Deployment:
        """Raises STATE_NOT_ALLOWED, also where a name that rules use is gone, or is something else by now."""
        live, usual = state.deployment.live, NOTHING_COUNTED
        if step.move is DeploymentMove.LIVE and live is not None and live != step.ref:
            usual = await self._usual(tenant_id, state.event_type, live)
        try:
            after = step.taken(state.deployment, usual)
        except ForbiddenDeploymentError as error:
            raise _refused(error, state, step.ref) from None
        faults = await self._faults(tenant_id, content) if after != state.deployment else ()
        for fault in faults:
            raise errors.step_not_allowed(f"{step.ref} can decide no more: {fault.place}: {fault.message}", "outdated")
        return after

    async def _ask(
        self, changes: ScenarioChanges, state: DeploymentState, step: Step, principal: str, reason: str
    ) -> DeploymentState:
        if any((each.step, each.requested_by) == (step, principal) for each in state.requests):
            return state
        if len(state.requests) >= MOST_REQUESTS:
            raise errors.step_not_allowed(f"{MOST_REQUESTS} requests wait for approval: answer one first", "requested")
        asked = PublicationRequest(uuid4(), step, principal, self._clock(), reason)
        state = replace(state, requests=(*state.requests, asked))
        return await self._move(
            changes, state, state.deployment, DeploymentMove.REQUEST, step.ref, principal, step.parts, reason=reason
        )

    async def _move(
        self,
        changes: ScenarioChanges,
        state: DeploymentState,
        after: Deployment,
        move: DeploymentMove,
        ref: VersionRef,
        principal: str,
        parts: int = 0,
        *,
        requested_by: str = "",
        reason: str = "",
    ) -> DeploymentState:
        """Stores a deployment with the transition that leads to it."""
        number, now = state.revision + 1, self._clock()
        after = stamped(state.deployment, after, int(now.timestamp()))
        stored = dataclasses.replace(state, deployment=after, revision=number)
        replaced = state.deployment.live if after.live != state.deployment.live else None
        transition = Transition(
            event_type=state.event_type, number=number, move=move, ref=ref, parts=parts, principal=principal,
            requested_by=requested_by, reason=reason, replaced=replaced, at=now,
        )  # fmt: skip
        await changes.deploy(stored, transition)
        return stored


async def _version(changes: ScenarioChanges, ref: VersionRef) -> ScenarioVersion:
    found = BUILT_IN if ref == STARTER_REF else await changes.version(ref)
    if found is None:
        raise errors.found_none("version")
    return found


async def _alone(changes: ScenarioChanges, state: DeploymentState, version: ScenarioVersion, principal: str) -> bool:
    """Tells whether somebody needs nobody else to publish a version."""
    policy = await changes.policy()
    return not policy.two_persons or may_publish(principal, await _authors(changes, state, version))


async def _authors(changes: ScenarioChanges, state: DeploymentState, version: ScenarioVersion) -> frozenset[str]:
    """Returns who edited a version since one that was live: what was never published may have come in with it."""
    since = published(state.deployment, version.ref)
    return version.authors | await changes.authors(version.scenario_id, since, version.number)


def _request(state: DeploymentState, request_id: UUID) -> PublicationRequest:
    for request in state.requests:
        if request.request_id == request_id:
            return request
    raise errors.found_none("publication_request")


def _without_requests(state: DeploymentState, request_id: UUID) -> DeploymentState:
    requests: Sequence[PublicationRequest] = [each for each in state.requests if each.request_id != request_id]
    return replace(state, requests=tuple(requests))


def _refused(error: ForbiddenDeploymentError, state: DeploymentState, ref: VersionRef) -> Exception:
    role = state.deployment.role(ref)
    return errors.step_not_allowed(str(error), role.value if role else "ready")
