"""Who may let a version answer: where a tenant asks for two persons, one of them has not edited it.

A step that changes answers (a share, live) by somebody who edited the version then waits as a request, until somebody
who did not has approved it. Shadows change no answer and need nobody; to go back never waits either.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.fraud.domain.scenarios.breaker import NOTHING_COUNTED, OutcomeCounts
from services.fraud.domain.scenarios.deployment import Deployment, DeploymentMove, to_live, to_shadow, to_share
from services.fraud.domain.scenarios.scenario import VersionRef

__all__ = ["MOST_REQUESTS", "PublicationRequest", "Step", "may_publish", "needs_second"]

MOST_REQUESTS = 20
"""Of one event type, waiting at once."""


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


def needs_second(step: Step, deployment: Deployment) -> bool:
    """Tells whether a step changes answers in a way that a second person looks at. A smaller share is a step back."""
    if step.move is DeploymentMove.SHADOW:
        return False
    share = deployment.share
    return not (step.move is DeploymentMove.SHARE and share and share.ref == step.ref and step.parts <= share.parts)


def may_publish(principal: str, authors: Collection[str]) -> bool:
    """Tells whether somebody is a second person for a version of these authors."""
    return bool(principal) and principal not in authors
