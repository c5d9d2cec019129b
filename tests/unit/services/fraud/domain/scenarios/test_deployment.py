"""Which version decides what: slots, shares, and the way back."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from services.fraud.domain.scenarios.breaker import OutcomeCounts
from services.fraud.domain.scenarios.deployment import (
    MOST_FORMER,
    MOST_SHADOWS,
    Deployment,
    DeploymentMove,
    ForbiddenDeploymentError,
    Role,
    roll_back,
    settled_role,
    to_live,
    to_shadow,
    to_share,
    trip,
    withdraw,
)
from services.fraud.domain.scenarios.publication import Step, may_publish, needs_second
from services.fraud.domain.scenarios.scenario import VersionRef
from services.fraud.domain.scenarios.traffic import PARTS, part_of

V = [VersionRef("cards", number) for number in range(100)]
LIVE = Deployment(live=V[1])


def test_a_version_goes_from_the_shadow_over_a_share_to_live_and_back() -> None:
    shadow = to_shadow(LIVE, V[2])
    assert (shadow.role(V[2]), shadow.decides(0)) == (Role.SHADOW, V[1])
    share = to_share(shadow, V[2], 1_000)
    assert (share.shadows, share.role(V[2])) == ((), Role.SHARE)
    assert (share.decides(999), share.decides(1_000)) == (V[2], V[1])
    usual = OutcomeCounts(200, 3, 5)
    live = to_live(share, V[2], usual)
    assert (live.live, live.share, live.before, live.usual) == (V[2], None, V[1], usual)
    back = roll_back(live, V[2])
    assert back == LIVE


def test_live_goes_back_step_by_step_to_what_was_live_before() -> None:
    deployment = LIVE
    for version in V[2:6]:
        deployment = to_live(deployment, version)
    deployment = to_live(deployment, V[3])
    for version in (V[5], V[4], V[2], V[1]):
        assert deployment.live is not None
        deployment = roll_back(deployment, deployment.live)
        assert deployment.live == version
    with pytest.raises(ForbiddenDeploymentError, match="no version before"):
        roll_back(deployment, V[1])


def test_what_is_rolled_back_to_is_at_one_place_only() -> None:
    deployment = to_share(to_live(LIVE, V[2]), V[1], 500)
    assert roll_back(deployment, V[2]) == LIVE
    assert roll_back(to_shadow(to_live(LIVE, V[2]), V[1]), V[2]) == LIVE


def test_memory_of_former_versions_is_bounded() -> None:
    deployment = LIVE
    for version in V[2:]:
        deployment = to_live(deployment, version)
    assert deployment.former == tuple(V[-MOST_FORMER - 1 : -1])


@pytest.mark.parametrize(
    ("deployment", "step", "why"),
    [
        (LIVE, Step(V[1], DeploymentMove.SHADOW), "answers already"),
        (to_share(LIVE, V[2], 1), Step(V[2], DeploymentMove.SHADOW), "answers already"),
        (Deployment(shadows=tuple(V[2 : 2 + MOST_SHADOWS])), Step(V[9], DeploymentMove.SHADOW), "3 shadows"),
        (LIVE, Step(V[1], DeploymentMove.SHARE, 5), "live already"),
        (LIVE, Step(V[2], DeploymentMove.SHARE, 0), "at least"),
        (LIVE, Step(V[2], DeploymentMove.SHARE, PARTS), "less than"),
        (to_share(LIVE, V[2], 1), Step(V[3], DeploymentMove.SHARE, 5), "has a share"),
    ],
)
def test_steps_without_a_place_are_refused(deployment: Deployment, step: Step, why: str) -> None:
    with pytest.raises(ForbiddenDeploymentError, match=why):
        step.taken(deployment)


def test_a_step_that_is_taken_already_changes_nothing() -> None:
    shadow = to_shadow(LIVE, V[2])
    assert to_shadow(shadow, V[2]) == shadow
    share = to_share(LIVE, V[2], 5)
    assert to_share(share, V[2], 5) == share
    assert to_live(LIVE, V[1]) == LIVE
    assert withdraw(LIVE, V[7]) == LIVE


def test_withdrawing_empties_a_place_but_never_the_live_one() -> None:
    assert withdraw(to_share(LIVE, V[2], 5), V[2]) == LIVE
    assert withdraw(to_shadow(LIVE, V[2]), V[2]) == LIVE
    with pytest.raises(ForbiddenDeploymentError, match="is live"):
        withdraw(LIVE, V[1])
    with pytest.raises(ForbiddenDeploymentError, match="not deployed"):
        roll_back(LIVE, V[2])


def test_the_breaker_replaces_a_live_version_once() -> None:
    deployment = to_live(to_live(LIVE, V[2]), V[3])
    after = trip(deployment, V[3])
    assert (after.live, after.tripped) == (V[2], True)
    with pytest.raises(ForbiddenDeploymentError, match="already"):
        trip(after, V[2])
    assert trip(to_share(after, V[4], 100), V[4]) == after
    assert to_live(after, V[2]).tripped is False
    assert trip(to_live(after, V[3]), V[3]).live == V[2]


@pytest.mark.parametrize(
    ("last", "role"),
    [
        (None, Role.READY),
        (DeploymentMove.WITHDRAW, Role.READY),
        (DeploymentMove.LIVE, Role.REPLACED),
        (DeploymentMove.ROLL_BACK, Role.ROLLED_BACK),
        (DeploymentMove.TRIP, Role.ROLLED_BACK),
    ],
)
def test_what_does_nothing_is_known_by_its_last_step(last: DeploymentMove | None, role: Role) -> None:
    assert settled_role(last) is role


def test_any_steps_leave_each_version_in_one_place() -> None:
    choice = random.Random(1)
    deployment = Deployment()
    for _ in range(20_000):
        ref = V[choice.randrange(1, 8)]
        moves = (
            lambda d, r: to_shadow(d, r),
            lambda d, r: to_share(d, r, choice.randrange(1, PARTS)),
            lambda d, r: to_live(d, r),
            lambda d, r: withdraw(d, r),
            lambda d, r: roll_back(d, r),
            lambda d, r: trip(d, r),
        )
        try:
            deployment = choice.choice(moves)(deployment, ref)
        except ForbiddenDeploymentError:
            continue
        shared = [deployment.share.ref] if deployment.share else []
        placed = [each for each in (deployment.live, *shared, *deployment.shadows) if each is not None]
        assert max(Counter(placed).values(), default=1) == 1
        assert deployment.live not in deployment.former
        assert len(deployment.shadows) <= MOST_SHADOWS


def test_a_growing_share_keeps_who_is_in_and_is_as_large_as_it_says() -> None:
    parts = [part_of("tenant", "payment", f"user-{index}") for index in range(100_000)]
    assert len(set(parts)) > 0.999 * PARTS
    assert set(parts) <= set(range(PARTS))
    for share in (1, 100, 1_000, 5_000):
        inside = sum(part < share for part in parts) / len(parts)
        assert inside == pytest.approx(share / PARTS, rel=0.15, abs=0.0002)


def test_parts_are_the_same_in_every_process_and_another_for_every_tenant_and_type() -> None:
    assert part_of("t", "payment", "u1") == 9968
    assert part_of("t", "payment", "\ud800") < PARTS
    places = {part_of("t", "payment", "u1"), part_of("t", "login", "u1"), part_of("s", "payment", "u1")}
    assert len(places) == 3


@pytest.mark.parametrize(
    ("deployment", "step", "needed"),
    [
        (LIVE, Step(V[2], DeploymentMove.SHADOW), False),
        (LIVE, Step(V[2], DeploymentMove.LIVE), True),
        (LIVE, Step(V[2], DeploymentMove.SHARE, 1), True),
        (to_share(LIVE, V[2], 100), Step(V[2], DeploymentMove.SHARE, 101), True),
        (to_share(LIVE, V[2], 100), Step(V[2], DeploymentMove.SHARE, 99), False),
        (to_share(LIVE, V[2], 100), Step(V[3], DeploymentMove.SHARE, 99), True),
    ],
)
def test_a_second_person_looks_at_what_changes_more_answers(deployment: Deployment, step: Step, needed: bool) -> None:
    assert needs_second(step, deployment) is needed


def test_nobody_publishes_what_they_edited() -> None:
    assert may_publish("bob", {"alice"})
    assert not may_publish("alice", {"alice", "bob"})
    assert not may_publish("", {"alice"})
