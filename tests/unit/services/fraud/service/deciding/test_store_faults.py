"""What the store refuses or cannot take is neither answered nor counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from meshkit.errors import Kind, MeshError
from services.fraud.service.deciding import decider
from tests.support.decider import NOW, TENANT, DeciderPlatform, at, call, error_of, features_of
from tests.support.fraud import named


async def test_a_row_that_the_store_refuses_fails_alone_and_leaves_the_logs(platform: DeciderPlatform) -> None:
    platform.store.refused = {"t-2"}
    answers = await platform.decide(call("t-1"), call("t-2"), call("t-3"))
    assert [isinstance(answer, MeshError) for answer in answers] == [False, True, False]
    assert error_of(answers[1]).kind is Kind.INTERNAL
    assert platform.reader.committed == [(TENANT, "t-1"), (TENANT, "t-3")]
    assert platform.reader.withdrawn == [(TENANT, "t-2")]
    assert await features_of(platform, call()) == {"user_count_1m": 2, "user_sum_1m": 2_500}


async def test_without_the_store_nothing_is_answered_and_nothing_is_settled(platform: DeciderPlatform) -> None:
    platform.store.away = True
    with pytest.raises(MeshError) as caught:
        await platform.decide(call())
    assert caught.value.kind is Kind.UNAVAILABLE
    assert platform.reader.committed == platform.reader.withdrawn == []


async def test_what_took_too_long_to_decide_is_not_committed_after_the_logs_may_have_lost_it(
    platform: DeciderPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as slow:
        slow.setattr(decider, "COMMIT_BY", 0.0)
        (late,) = await platform.decide(call("t-1"))
    assert isinstance(late, MeshError) and late.kind is Kind.DEADLINE_EXCEEDED
    assert platform.store.commits == []
    assert platform.reader.withdrawn == [(TENANT, "t-1")]
    (again,) = await platform.decide(call("t-1"))
    assert not isinstance(again, MeshError) and again.decided is not None
    assert named(again.decided.features)["user_count_1m"] == 0


async def test_retry_found_stored_takes_back_its_own_attempt_and_not_the_first(platform: DeciderPlatform) -> None:
    asked = call("t-1")
    await platform.decide(asked)
    for _ in range(3):
        await platform.decide(asked)
        platform.now += timedelta(seconds=1)
    assert platform.reader.withdrawn == [(TENANT, "t-1")] * 3
    assert await features_of(platform, call()) == {"user_count_1m": 1, "user_sum_1m": 1_250}


async def test_attempt_made_anew_for_an_old_decision_is_counted_nowhere(platform: DeciderPlatform) -> None:
    """The logs may have lost the first attempt: what was decided then is not counted now."""
    asked = call("t-1", event_time=at(NOW - timedelta(minutes=30)))
    await platform.decide(asked)
    platform.logs.lose()
    platform.now += timedelta(minutes=1)
    await platform.decide(asked)
    assert platform.reader.withdrawn == [(TENANT, "t-1")]
    platform.logs.available = False
    from_store = await features_of(platform, call())
    assert from_store == {"user_count_1m": 0, "user_sum_1m": 0}
