"""Which versions decide the events of one type: one live, at most one with a share of the traffic, shadows beside them.

A version is ready when it has been made. From there it goes to a shadow, a share and live, in whatever steps its people
want, and back. Every step is a `Transition` that is kept. Nothing here knows who may do what: see `publication`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from services.fraud.domain.scenarios.breaker import NOTHING_COUNTED, OutcomeCounts
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scenarios.traffic import PARTS

__all__ = [
    "MOST_FORMER",
    "MOST_SHADOWS",
    "Deployment",
    "DeploymentMove",
    "ForbiddenDeploymentError",
    "Role",
    "TrafficShare",
    "published",
    "roll_back",
    "settled_role",
    "stamped",
    "to_live",
    "to_shadow",
    "to_share",
    "trip",
    "withdraw",
]

MOST_SHADOWS = 3
MOST_FORMER = 20


class Role(Enum):
    """What a version does."""

    READY = "ready"
    """Nothing: it waits to be deployed, or was withdrawn."""
    SHADOW = "shadow"
    """It decides beside the live version, and nobody is answered by it."""
    SHARE = "share"
    """It answers a share of the traffic."""
    LIVE = "live"
    REPLACED = "replaced"
    """It was live, and another version took its place."""
    ROLLED_BACK = "rolled_back"


class DeploymentMove(Enum):
    """What somebody did to a deployment."""

    SHADOW = "shadow"
    SHARE = "share"
    LIVE = "live"
    WITHDRAW = "withdraw"
    ROLL_BACK = "roll_back"
    TRIP = "trip"
    """The breaker's roll-back."""
    REQUEST = "request"
    """Asks a second person for a step; nothing has changed yet."""
    REJECT = "reject"
    """Says no to a request, or takes it back."""


class ForbiddenDeploymentError(Exception):
    """The deployment does not allow a move. The message says why."""


@dataclass(frozen=True, slots=True)
class TrafficShare:
    """A version that decides a part of the events."""

    ref: VersionRef
    parts: int
    """Of `PARTS`, at least 1 and less than all."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The versions of one event type. None live means that no rule decides: the prior does alone."""

    live: VersionRef | None = None
    share: TrafficShare | None = None
    shadows: tuple[VersionRef, ...] = ()
    former: tuple[VersionRef, ...] = ()
    """What was live before, the latest last: what a roll-back returns to."""
    usual: OutcomeCounts = NOTHING_COUNTED
    """What the version before decided at the last, when the live one took its place."""
    live_since: int = 0
    """When the live version took its place, in seconds since 1970: what it decided before is not held against it."""
    share_since: int = 0
    tripped: bool = False
    """True once the breaker has put the version before in the place of a live one: it does so once, and not down to
    the first version, until somebody makes a version live."""

    def role(self, ref: VersionRef) -> Role | None:
        """Returns what a version does now, None for nothing."""
        if ref == self.live:
            return Role.LIVE
        if self.share is not None and ref == self.share.ref:
            return Role.SHARE
        return Role.SHADOW if ref in self.shadows else None

    def decides(self, part: int) -> VersionRef | None:
        """Returns the version that answers the events of a part (see `traffic.part_of`)."""
        return self.share.ref if self.share is not None and part < self.share.parts else self.live

    @property
    def at_hand(self) -> tuple[VersionRef, ...]:
        """The versions that decide, and the one that takes over at once when it has to."""
        shared = (self.share.ref,) if self.share is not None else ()
        live = (self.live,) if self.live is not None else ()
        return (*live, *shared, *self.shadows, *self.former[-1:])

    @property
    def before(self) -> VersionRef | None:
        """What takes over when the live version is rolled back."""
        return self.former[-1] if self.former else None


def to_shadow(deployment: Deployment, ref: VersionRef) -> Deployment:
    """Lets a version decide in the shadow."""
    if ref in (deployment.live, _shared(deployment)):
        raise ForbiddenDeploymentError(f"{ref} answers already: withdraw it first, or roll it back")
    if ref in deployment.shadows:
        return deployment
    if len(deployment.shadows) >= MOST_SHADOWS:
        raise ForbiddenDeploymentError(f"there are {MOST_SHADOWS} shadows: withdraw one first")
    return replace(deployment, shadows=(*deployment.shadows, ref))


def to_share(deployment: Deployment, ref: VersionRef, parts: int) -> Deployment:
    """Lets a version answer a share of the traffic, or another share than before."""
    if not 0 < parts < PARTS:
        raise ForbiddenDeploymentError("a share is at least 0.01 % and less than 100 %")
    if ref == deployment.live:
        raise ForbiddenDeploymentError(f"{ref} is live already")
    if _shared(deployment) not in (None, ref):
        raise ForbiddenDeploymentError(f"{_shared(deployment)} has a share: withdraw it first")
    return replace(_without(deployment, ref), share=TrafficShare(ref, parts))


def to_live(deployment: Deployment, ref: VersionRef, usual: OutcomeCounts = NOTHING_COUNTED) -> Deployment:
    """Makes a version the live one. A share of it ends; that of another goes on beside it.

    `usual` is what the version decides that is live until then.
    """
    if ref == deployment.live:
        return replace(deployment, tripped=False)
    former = deployment.former if deployment.live is None else (*deployment.former, deployment.live)
    # A version that is live again is no longer what it could be rolled back to.
    former = tuple(each for each in former if each != ref)[-MOST_FORMER:]
    return replace(_without(deployment, ref), live=ref, former=former, usual=usual, tripped=False)


def withdraw(deployment: Deployment, ref: VersionRef) -> Deployment:
    """Ends what a version does in the shadow or with a share. It is no failure of the version."""
    if ref == deployment.live:
        raise ForbiddenDeploymentError(f"{ref} is live: roll it back, or make another version live")
    return _without(deployment, ref)


def roll_back(deployment: Deployment, ref: VersionRef) -> Deployment:
    """Takes a version away for good reason: the share returns to the live version, live to the version before."""
    if ref == deployment.live:
        if deployment.before is None:
            raise ForbiddenDeploymentError(f"there was no version before {ref}")
        after = _without(deployment, deployment.before)
        return replace(after, live=deployment.before, former=deployment.former[:-1], usual=NOTHING_COUNTED)
    if deployment.role(ref) is None:
        raise ForbiddenDeploymentError(f"{ref} is not deployed")
    return _without(deployment, ref)


def trip(deployment: Deployment, ref: VersionRef) -> Deployment:
    """Rolls a version back because the breaker says so. Raises ForbiddenDeploymentError if it already has."""
    if deployment.tripped and ref == deployment.live:
        raise ForbiddenDeploymentError("the breaker has put a version before in the place of the live one already")
    return replace(roll_back(deployment, ref), tripped=deployment.tripped or ref == deployment.live)


def stamped(before: Deployment, after: Deployment, second: int) -> Deployment:
    """Returns a deployment with the time of what has changed in it."""
    if after.live != before.live:
        after = replace(after, live_since=second)
    return after if _shared(after) == _shared(before) else replace(after, share_since=second)


def published(deployment: Deployment, ref: VersionRef) -> int:
    """Returns the number of the newest version before one that is, or was, live; 0 if there is none."""
    lived = (each for each in (deployment.live, *deployment.former) if each is not None)
    return max((each.number for each in lived if each.scenario_id == ref.scenario_id and each < ref), default=0)


def settled_role(last: DeploymentMove | None) -> Role:
    """Returns what a version is that does nothing now, by the last step that was about it."""
    if last is DeploymentMove.LIVE:
        return Role.REPLACED
    return Role.ROLLED_BACK if last in (DeploymentMove.ROLL_BACK, DeploymentMove.TRIP) else Role.READY


def _shared(deployment: Deployment) -> VersionRef | None:
    return deployment.share.ref if deployment.share is not None else None


def _without(deployment: Deployment, ref: VersionRef) -> Deployment:
    """Returns the deployment without a version in the shadow or with a share."""
    share = None if _shared(deployment) == ref else deployment.share
    return replace(deployment, share=share, shadows=tuple(each for each in deployment.shadows if each != ref))
