"""Who may let a version answer: where a tenant asks for two persons, one of them has not edited it.

A step that changes answers (a share, live) by somebody who edited the version then waits as a request, until somebody
who did not has approved it. Shadows change no answer and need nobody; to go back never waits either.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.fraud.domain.scenarios.breaker import NOTHING_COUNTED, BreakerLimits, OutcomeCounts
from services.fraud.domain.scenarios.deployment import Deployment, DeploymentMove, to_live, to_shadow, to_share
from services.fraud.domain.scenarios.scenario import VersionRef

__all__ = [
    "MOST_REQUESTS",
    "Actor",
    "DeploymentState",
    "PublicationRequest",
    "ScenarioPolicy",
    "Step",
    "Transition",
    "may_publish",
    "needs_second",
]

MOST_REQUESTS = 20
"""Of one event type, waiting at once."""


class Actor(NamedTuple):
    """Who does something, and for which tenant."""

    tenant_id: str
    name: str
    """The subject of a verified token, or the breaker."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is to become of a version."""

    ref: VersionRef
    move: DeploymentMove
    """SHADOW, SHARE or LIVE."""
    parts: int = 0
    """For SHARE."""

    def taken(self, deployment: Deployment, usual: OutcomeCounts = NOTHING_COUNTED) -> Deployment:
        """Returns the deployment after this step. Raises ForbiddenDeploymentError. `usual` is as in `to_live`."""
        if self.move is DeploymentMove.SHADOW:
            return to_shadow(deployment, self.ref)
        if self.move is DeploymentMove.SHARE:
            return to_share(deployment, self.ref, self.parts)
        return to_live(deployment, self.ref, usual)


@dataclass(frozen=True, slots=True)
class PublicationRequest:
    """A step that waits for a second person."""

    request_id: UUID
    step: Step
    requested_by: str
    requested_at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """The versions of an event type with what waits to be approved."""

    event_type: str
    deployment: Deployment
    requests: tuple[PublicationRequest, ...] = ()
    revision: int = 0
    """Number of the latest transition, 0 before the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A step that was taken, asked for or refused, as it is kept for ever."""

    event_type: str
    number: int
    """From 1, of the event type."""
    move: DeploymentMove
    ref: VersionRef
    parts: int = 0
    principal: str
    """Who took the step: somebody, or the breaker."""
    requested_by: str = ""
    """Who asked for it, where a second person approved."""
    reason: str = ""
    replaced: VersionRef | None = None
    """What was live before, where that has changed."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioPolicy:
    """What a tenant wants of publications and of the breaker."""

    two_persons: bool = False
    limits: BreakerLimits = field(default_factory=BreakerLimits)
    revision: int = 0


def needs_second(step: Step, deployment: Deployment) -> bool:
    """Tells whether a step changes answers in a way that a second person looks at. A smaller share is a step back."""
    if step.move is DeploymentMove.SHADOW:
        return False
    share = deployment.share
    return not (step.move is DeploymentMove.SHARE and share and share.ref == step.ref and step.parts <= share.parts)


def may_publish(principal: str, authors: Collection[str]) -> bool:
    """Tells whether somebody is a second person for a version of these authors."""
    return bool(principal) and principal not in authors
