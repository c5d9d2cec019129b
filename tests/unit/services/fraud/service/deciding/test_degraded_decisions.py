"""Decisions that lack something say so, and are made from the store where logs are not whole."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from meshkit.errors import MeshError
from services.fraud import convert
from services.fraud.domain.check import Basis
from services.fraud.domain.profile import Profile
from services.fraud.service.deciding.distrust import DistrustedTenants
from services.fraud.service.deciding.judging import DecisionPolicy
from tests.support.decider import NOW, OTHER, TENANT, DeciderPlatform, at, call, decision_of, features_of
from tests.support.fraud import named, record


async def test_profile_counts(platform: DeciderPlatform) -> None:
    platform.profiles.profiles[(TENANT, "u1")] = Profile(True, 0.1, "blocked")
    answer = await platform.one(call())
    assert (answer.outcome, answer.is_fraudulent) == ("decline", True)
    assert answer.risk_factors[0] == "PROFILE_BLOCKED"


async def test_without_profiles_decisions_say_so_and_are_review_at_least(platform: DeciderPlatform) -> None:
    platform.profiles.available = False
    answer = await platform.one(call())
    assert (list(answer.degraded), answer.outcome, answer.is_fraudulent) == (["user_profile"], "review", False)


async def test_operator_may_let_decisions_go_on_without_profiles() -> None:
    platform = DeciderPlatform(DecisionPolicy(review_without=frozenset()))
    platform.profiles.available = False
    answer = await platform.one(call())
    assert (list(answer.degraded), answer.outcome) == (["user_profile"], "approve")


@pytest.mark.parametrize("loss", ["away", "emptied"])
async def test_without_logs_the_features_come_from_the_store(platform: DeciderPlatform, loss: str) -> None:
    for _ in range(5):
        await platform.decide(call())
    if loss == "away":
        platform.logs.available = False
    else:
        platform.logs.lose()
    answer = await platform.one(call())
    assert list(answer.degraded) == ["features_slow_path"]
    assert "USER_VELOCITY_1M" in answer.risk_factors


async def test_log_that_was_lost_is_whole_again_for_the_next_check(platform: DeciderPlatform) -> None:
    for _ in range(3):
        await platform.decide(call())
    platform.logs.lose()
    assert list((await platform.one(call())).degraded) == ["features_slow_path"]
    await asyncio.sleep(0)
    answer = await platform.one(call())
    assert list(answer.degraded) == []
    assert await features_of(platform, call()) == {"user_count_1m": 5, "user_sum_1m": 6_250}


async def test_decision_says_what_its_features_come_from(platform: DeciderPlatform) -> None:
    found = []
    for state in ("whole", "lost", "away"):
        if state == "lost":
            platform.logs.lose()
        platform.logs.available = state != "away"
        (answer,) = await platform.decide(call())
        assert not isinstance(answer, MeshError) and answer.decided is not None
        found.append(answer.decided.features.basis)
    assert found == [Basis.LOGS, Basis.HISTORY, Basis.UNLOGGED]


async def test_decision_whose_logs_lack_something_is_made_again_from_the_store(platform: DeciderPlatform) -> None:
    """What was decided without the logs is missing in them until the gap is filled."""
    await platform.decide(call())
    platform.logs.available = False
    await platform.decide(call(), call())
    platform.logs.available = True
    platform.store.gapped = {TENANT}
    ours, theirs = await platform.decide(call(), call(tenant=OTHER))
    assert not isinstance(ours, MeshError) and ours.decided is not None
    assert named(ours.decided.features)["user_count_1m"] == 3
    assert list(decision_of(ours).degraded) == ["features_slow_path"]
    assert list(decision_of(theirs).degraded) == []


async def test_while_logs_lack_something_decisions_are_made_once_and_after_a_moment_from_the_logs_again(
    platform: DeciderPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.store.gapped = {TENANT}
    await platform.decide(call())
    assert len(platform.store.commits) == 2
    for _ in range(3):
        assert list((await platform.one(call())).degraded) == ["features_slow_path"]
    assert len(platform.store.commits) == 5
    assert list((await platform.one(call(tenant=OTHER))).degraded) == []
    platform.store.gapped = set()
    monkeypatch.setattr(platform.decider, "_distrusted", DistrustedTenants(time.monotonic))
    assert list((await platform.one(call())).degraded) == []


def test_a_tenant_is_distrusted_for_a_moment() -> None:
    now = [100.0]
    distrusted = DistrustedTenants(lambda: now[0])
    assert distrusted.among({TENANT}) == frozenset()
    distrusted.add({TENANT})
    assert distrusted.among({TENANT, OTHER}) == {TENANT}
    now[0] += 1.0
    assert distrusted.among({TENANT, OTHER}) == frozenset()


async def test_transaction_too_late_for_the_logs_has_its_features_from_the_store() -> None:
    """Its windows reach back to what logs have dropped, in a tenant that is old enough to have had something there."""
    platform = DeciderPlatform()
    early, platform.now = NOW - timedelta(days=40), NOW - timedelta(days=40)
    await platform.decide(*[call(event_time=at(early + timedelta(seconds=n))) for n in range(3)])
    platform.now = NOW
    await platform.decide(call(event_time=at(NOW)))
    (answer,) = await platform.decide(call("late", "fraud:backfill", event_time=at(early + timedelta(seconds=9))))
    assert not isinstance(answer, MeshError) and answer.decided is not None
    assert answer.decided.features.basis is Basis.HISTORY
    shown = convert.stored_to_proto(answer.answer, record(answer.decided).inputs)
    assert shown.inputs.features["user_count_1m"] == 3
