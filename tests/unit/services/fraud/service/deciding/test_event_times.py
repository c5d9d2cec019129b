"""A check is decided as of its time, within bounds, and late ones hold up nobody."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from meshkit.apart import TravelsApart
from meshkit.errors import Kind, MeshError
from services.fraud.service.logs.completing import PROMPT_EVENTS
from tests.support.decider import NOW, TENANT, DeciderPlatform, at, call, decision_of, error_of, features_of
from tests.support.fraud import named, new_tenant


@pytest.mark.parametrize(
    ("ahead", "scopes", "rule"),
    [
        (timedelta(minutes=5), (), None),
        (timedelta(minutes=5, milliseconds=1), (), "timestamp.future"),
        (timedelta(minutes=6), ("fraud:backfill",), "timestamp.future"),
        (timedelta(hours=-24), (), None),
        (timedelta(hours=-24, milliseconds=-1), (), "timestamp.past"),
        (timedelta(hours=-24, milliseconds=-1), ("fraud:backfill",), None),
        (timedelta(days=-4_000), ("fraud:backfill",), None),
    ],
)
async def test_event_time_is_bounded_by_the_clock_and_the_scope(
    platform: DeciderPlatform, ahead: timedelta, scopes: tuple[str, ...], rule: str | None
) -> None:
    (answer,) = await platform.decide(call("", *scopes, event_time=at(NOW + ahead)))
    if rule is None:
        assert decision_of(answer).event_time.ToDatetime(UTC) == NOW + ahead
    else:
        (violation,) = error_of(answer).violations
        assert (violation.field, violation.reason) == ("event_time", rule)


@pytest.mark.parametrize("late", [timedelta(hours=25), timedelta(days=90)])
async def test_retry_gets_its_answer_also_when_its_event_time_has_grown_too_old(
    platform: DeciderPlatform, late: timedelta
) -> None:
    asked = call("t-1", event_time=at(NOW - timedelta(hours=23)))
    (first,) = await platform.decide(asked)
    platform.now += late
    neighbour, again = await platform.decide(call("t-2", tenant=new_tenant()), asked)
    assert not isinstance(first, MeshError) and not isinstance(again, MeshError)
    assert (again.answer, again.decided) == (first.answer, None)
    assert decision_of(neighbour).transaction_id == "t-2"


async def test_other_content_under_an_old_id_is_a_conflict_whatever_its_time(platform: DeciderPlatform) -> None:
    await platform.decide(call("t-1"))
    for moved in (timedelta(days=-30), timedelta(days=30)):
        (answer,) = await platform.decide(call("t-1", event_time=at(NOW + moved)))
        assert error_of(answer).reason == "IDEMPOTENCY_CONFLICT"


async def test_refusal_for_the_clock_says_when_it_ends_and_one_for_a_scope_names_it(platform: DeciderPlatform) -> None:
    ahead, behind = await platform.decide(
        call("t-1", event_time=at(NOW + timedelta(minutes=7))), call("t-2", event_time=at(NOW - timedelta(days=2)))
    )
    assert error_of(ahead).retry_after == 120.0
    assert error_of(behind).metadata == {"scope": "fraud:backfill"}
    assert error_of(behind).retry_after is None


async def test_refused_check_costs_no_lookup_of_its_neighbours(platform: DeciderPlatform) -> None:
    await platform.decide(call("t-1"), call("t-2"))
    assert platform.store.lookups == []
    await platform.decide(call("t-3"), call("t-4", event_time=at(NOW + timedelta(hours=1))))
    assert platform.store.lookups == [[(TENANT, "t-4")]]


async def test_refused_check_whose_lookup_fails_may_be_tried_again_and_its_neighbours_are_decided(
    platform: DeciderPlatform,
) -> None:
    platform.store.lookups_fail = True
    good, bad = await platform.decide(call("t-1"), call("t-2", event_time=at(NOW + timedelta(hours=1))))
    assert decision_of(good).transaction_id == "t-1"
    assert error_of(bad).kind is Kind.UNAVAILABLE


async def test_check_that_would_hold_up_others_travels_apart_and_is_then_decided(platform: DeciderPlatform) -> None:
    """Its device has a longer history than is read while others wait, and its log is lost."""
    for start in range(0, PROMPT_EVENTS + 1, 100):
        await platform.decide(*[call(user_id=f"u{start + n}", merchant_id="") for n in range(100)])
    platform.logs.lose()
    asked, good = call("long"), call("t-2", device_fingerprint="d2", ip_address="")
    assert not isinstance(asked, MeshError) and not isinstance(good, MeshError)
    prompt = await platform.decider.decide_prompt([asked, good])
    assert isinstance(prompt[0], TravelsApart)
    assert decision_of(prompt[1]).transaction_id == "t-2"
    assert platform.reader.withdrawn == [(TENANT, "long")]
    (answer,) = await platform.decider.decide([asked])
    assert decision_of(answer).transaction_id == "long"
    assert not isinstance(answer, MeshError) and answer.decided is not None
    count = named(answer.decided.features)["device_count_1h"]
    assert count is not None and count >= PROMPT_EVENTS


async def test_retry_of_a_late_check_is_answered_at_once_and_not_counted_twice(platform: DeciderPlatform) -> None:
    await platform.decide(call("t-1"))
    early = NOW - timedelta(hours=30)
    asked = call("late", "fraud:backfill", event_time=at(early))
    (first,) = await platform.decide(asked)
    platform.now += timedelta(minutes=1)
    (again,) = await platform.decide(asked)
    assert not isinstance(first, MeshError) and not isinstance(again, MeshError)
    assert (again.answer, again.decided) == (first.answer, None)
    assert platform.reader.withdrawn == [(TENANT, "late")], "the attempt of the retry, not the first"
    after = call("", "fraud:backfill", event_time=at(early + timedelta(seconds=1)))
    assert await features_of(platform, after) == {"user_count_1m": 1, "user_sum_1m": 1_250}


async def test_event_time_defaults_to_receipt(platform: DeciderPlatform) -> None:
    assert (await platform.one(call())).event_time.ToDatetime(UTC) == NOW


async def test_time_of_the_answer_sent_back_gets_the_stored_answer(platform: DeciderPlatform) -> None:
    cases: list[dict[str, Any]] = [{}, {"event_time": Timestamp(seconds=int(NOW.timestamp()), nanos=123_456_789)}]
    for fields in cases:
        name = f"t-{len(fields)}"
        first = await platform.one(call(name, **fields))
        assert await platform.one(call(name, event_time=first.event_time)) == first
        changed = Timestamp(seconds=first.event_time.seconds - 1)
        (answer,) = await platform.decide(call(name, event_time=changed))
        assert error_of(answer).reason == "IDEMPOTENCY_CONFLICT"
