"""Converts scenarios, versions, deployments with their history, policies and snoozes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from rampart.fraud.v1 import scenario_pb2 as pb
from rampart.fraud.v1 import scenario_service_pb2 as service_pb

from meshkit.errors import Violation, validation_failed
from meshkit.preconditions import Preconditions
from meshkit.timestamps import time_from_proto, time_to_proto
from services.fraud.convert.rules import content_to_proto
from services.fraud.domain.scenarios.breaker import BreakerLimits, OutcomeCounts
from services.fraud.domain.scenarios.deployment import Deployment, DeploymentMove, Role
from services.fraud.domain.scenarios.publication import (
    DeploymentState,
    PublicationRequest,
    ScenarioPolicy,
    Step,
    Transition,
)
from services.fraud.domain.scenarios.scenario import Scenario, ScenarioVersion, VersionRef
from services.fraud.domain.scenarios.snoozes import Snooze

__all__ = [
    "admits_revision_from_proto",
    "deployment_to_proto",
    "policy_from_proto",
    "policy_to_proto",
    "scenario_to_proto",
    "snooze_from_proto",
    "snooze_to_proto",
    "step_from_proto",
    "transition_to_proto",
    "version_to_proto",
]

_NO_REVISION = -1
"""What no state has."""


def admits_revision_from_proto(request: Any, etag: str = "") -> Callable[[int], bool] | None:
    """Returns what tells which revisions a change is for, None for any."""
    asked = None
    if "preconditions" in request.DESCRIPTOR.fields_by_name:
        asked = Preconditions(request.preconditions.if_match, request.preconditions.if_none_match)
    if not etag and not asked:
        return None
    digits = etag.strip('"')
    named = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else _NO_REVISION
    return lambda revision: (not etag or revision == named) and (not asked or asked.hold(_etag(revision)))


def scenario_to_proto(scenario: Scenario, *, rules: bool = True) -> pb.Scenario:
    return pb.Scenario(
        scenario_id=scenario.scenario_id,
        draft=content_to_proto(scenario.draft, rules=rules),
        latest_version=scenario.latest,
        editors=sorted(scenario.editors),
        create_time=time_to_proto(scenario.created_at),
        update_time=time_to_proto(scenario.updated_at),
        etag=_etag(scenario.revision),
    )


def version_to_proto(version: ScenarioVersion, role: Role, *, rules: bool = True) -> pb.ScenarioVersion:
    return pb.ScenarioVersion(
        scenario_id=version.scenario_id,
        version=version.number,
        content=content_to_proto(version.content, rules=rules),
        rule_count=len(version.content.rules),
        note=version.note,
        authors=sorted(version.authors),
        state=role.value,
        create_time=time_to_proto(version.created_at),
    )


def step_from_proto(request: service_pb.DeployScenarioRequest) -> Step:
    """Raises VALIDATION_FAILED for a share of 0, and for a share of what is to have none: 10 % is not to become all."""
    shares = request.target == DeploymentMove.SHARE.value
    if shares and not request.share:
        raise validation_failed(Violation("share", "uint32.gt", "must be greater than 0"))
    if request.share and not shares:
        raise validation_failed(Violation("share", "share.absent", 'must be absent, unless target is "share"'))
    return Step(VersionRef(request.scenario_id, request.version), DeploymentMove(request.target), request.share)


def deployment_to_proto(
    state: DeploymentState, counts: Mapping[VersionRef, OutcomeCounts] | None = None
) -> pb.Deployment:
    """Returns a deployment, with what its versions decided of late where that is known."""
    deployment = state.deployment
    message = pb.Deployment(
        event_type=state.event_type,
        shadows=[_deployed(ref, counts) for ref in deployment.shadows],
        former=map(_ref, deployment.former),
        publications=map(_publication, state.requests),
        breaker=_breaker(deployment),
        transition=state.revision,
    )
    if deployment.live is not None:
        message.live.CopyFrom(_deployed(deployment.live, counts))
    if deployment.share is not None:
        message.share.CopyFrom(_deployed(deployment.share.ref, counts, deployment.share.parts))
    return message


def transition_to_proto(transition: Transition) -> pb.Transition:
    return pb.Transition(
        number=transition.number,
        move=transition.move.value,
        version=_ref(transition.ref),
        share=transition.parts,
        principal=transition.principal,
        requested_by=transition.requested_by,
        reason=transition.reason,
        replaced=_ref(transition.replaced) if transition.replaced is not None else None,
        create_time=time_to_proto(transition.at),
    )


def policy_from_proto(message: pb.ScenarioPolicy) -> ScenarioPolicy:
    """Raises VALIDATION_FAILED for a limit of 0: it was not said, and would trip at the first decline or review."""
    absent = [name for name in ("declines", "reviews", "times") if not getattr(message, name)]
    if absent:
        words = "must be above 0: a policy is sent whole"
        raise validation_failed(*(Violation(f"policy.{name}", "limit.absent", words) for name in absent))
    limits = BreakerLimits(
        declines=message.declines, reviews=message.reviews, times=message.times, above=message.above
    )  # fmt: skip
    return ScenarioPolicy(two_persons=message.two_persons, limits=limits)


def policy_to_proto(policy: ScenarioPolicy) -> pb.ScenarioPolicy:
    limits = policy.limits
    return pb.ScenarioPolicy(
        two_persons=policy.two_persons,
        declines=limits.declines,
        reviews=limits.reviews,
        times=limits.times,
        above=limits.above,
        etag=_etag(policy.revision),
    )


def snooze_from_proto(message: pb.Snooze, created_by: str, now: datetime) -> Snooze:
    """What the service sets itself is not read."""
    until = time_from_proto(message.until)
    return Snooze(
        rule_id=message.rule_id,
        field=message.field,
        value=message.value,
        until=until,
        reason=message.reason,
        created_by=created_by,
        created_at=now,
    )


def snooze_to_proto(snooze: Snooze) -> pb.Snooze:
    return pb.Snooze(
        rule_id=snooze.rule_id,
        field=snooze.field,
        value=snooze.value,
        until=time_to_proto(snooze.until),
        reason=snooze.reason,
        created_by=snooze.created_by,
        create_time=time_to_proto(snooze.created_at),
    )


def _breaker(deployment: Deployment) -> str:
    if deployment.tripped:
        return "tripped"
    return "watching" if deployment.before is not None or deployment.share is not None else "idle"


def _deployed(ref: VersionRef, counts: Mapping[VersionRef, OutcomeCounts] | None, parts: int = 0) -> pb.DeployedVersion:
    message = pb.DeployedVersion(version=_ref(ref), share=parts)
    if counts is not None:
        message.counts.CopyFrom(pb.OutcomeCounts(**counts.get(ref, OutcomeCounts())._asdict()))
    return message


def _publication(request: PublicationRequest) -> pb.Publication:
    return pb.Publication(
        publication_id=str(request.request_id),
        version=_ref(request.step.ref),
        target=request.step.move.value,
        share=request.step.parts,
        requested_by=request.requested_by,
        reason=request.comment,
        request_time=time_to_proto(request.requested_at),
    )


def _ref(ref: VersionRef) -> pb.VersionRef:
    return pb.VersionRef(scenario_id=ref.scenario_id, version=ref.number)


def _etag(revision: int) -> str:
    return f'"{revision}"'
